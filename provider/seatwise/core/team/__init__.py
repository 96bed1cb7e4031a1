"""The life of a team: many accounts of one vendor in one resource.

Read `properties` (what the engine keeps), `plan`, `estimate`, `work`, `following`, `lifecycle`, and last `resource`,
which a Pulumi provider calls.
"""
