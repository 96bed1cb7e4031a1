"""Read-only questions: look-ups by name, audits, imports, and the arguments of a person's accounts.

They can be read in any order: `lookup` (accounts by name), `audit` (accounts that no stack owns), `takeover` (existing
accounts, adopted), `person` (the arguments of a person's accounts).
"""
