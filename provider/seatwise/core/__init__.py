"""Accounts, teams and vendors, and the operations on them. Pure: no sockets, no files, no Pulumi.

Read the rooms in this order: `vendor` (fields, requests and answers, errors), `account` (the life of one account),
`team` (many accounts of one vendor), `membership` (one user in one group), `queries` (look-ups, audits, imports),
`rehearsal` (a live tenant, tried).
"""
