"""Read-only questions: look-ups by name, audits, imports, and the arguments of a person's accounts."""
