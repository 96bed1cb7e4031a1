"""What seatwise knows without touching anything: no sockets, no files, no Pulumi.

Read in this order: `errors`, `fields`, `secrets`, `http`, `vendor`, `state`, `tenant`,
`finding`, `lifecycle`, `takeover`, `lookup`.
"""
