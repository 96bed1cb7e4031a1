"""Questions that change nothing: look-ups by name, audits, imports, the arguments of a person's accounts."""
