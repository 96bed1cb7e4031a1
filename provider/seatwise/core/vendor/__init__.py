"""A vendor: its fields, requests and answers, secrets, errors.

Read in this order: `errors`, `boundary`, `fields`, `text`, `secrets`, `http`, `vendor`.
"""
