"""A rehearsal: the whole life of one throw-away account at a live tenant, compared with what seatwise assumes.

Read `assumptions` (the points and the verdicts), `shapes` (what a report may contain of an answer), `plan` (the
account), `life` (what was seen), `asking`, `looking`, `changing` and `living` (the requests), and `report`.
"""
