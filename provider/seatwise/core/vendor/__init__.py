"""A vendor: its fields, requests and answers, secrets, errors.

Read in this order: `errors`, `boundary`, `text`, `fields`, `secrets`, `http`, `rehearsal`, `vendor`. Then what vendors
share: `field_types`, `groups` (memberships), `slugs` (names that are read as slugs), and `scim_attributes`.
"""
