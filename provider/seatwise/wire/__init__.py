"""The I/O layer: network, SQLite files and the `pulumi` command. No other room imports httpx.

Read in this order: `settings`, `files` (what all runs of a user share), `pacing`, `retry`, `locks`, `login`, `body` and
`proxy` (answers and connections), `journal`, `engine` (the state of a stack), `tenant`, `loop`.
"""
