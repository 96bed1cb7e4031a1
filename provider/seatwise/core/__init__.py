"""What seatwise knows without touching anything: no sockets, no files, no Pulumi.

Read in this order: `errors`, `fields`, `secrets`, `http`, `vendor`, `state`, `tenant`; then how an account lives:
`directory`, `finding`, `writing`, `creating`, `lifecycle`; then a team (`team`, `estimate`, `roster`) and a `person`;
then what programs and the command line ask: `lookup`, `audit`, `takeover`.
"""
