"""People and teams in CSV and YAML files."""
