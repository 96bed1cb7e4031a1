"""The life of a team: many accounts of one vendor in one resource. Read `plan`, `estimate`, `lifecycle`."""
