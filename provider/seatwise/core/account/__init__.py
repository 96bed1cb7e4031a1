"""The life of one account.

Read in this order: `owner`, `state`, `ports` (what a tenant and its journal offer), `directory` (the vendor's list),
`finding`, `existing`, `holders`, `writing`, `creating`, `lifecycle`.
"""
