"""People and teams in CSV and YAML files.

Read in this order: `reading` (what both share), `members` (of a team), `people`.
"""
