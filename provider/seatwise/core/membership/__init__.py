"""The life of a membership: one user in one group.

Read `run` (what a run remembers), `places` (where a service shows memberships), `lifecycle`, and last `resource`, which
a Pulumi provider calls. Nothing else of the user or of the group is managed.
"""
