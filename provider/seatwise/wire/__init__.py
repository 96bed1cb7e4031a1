"""The I/O layer: network, SQLite files and the `pulumi` command. No other room imports httpx.

Reading order: `settings`, `files` (what all runs of a user share), `pacing`, `retry`, `login`, `body` and `proxy`
(answers and connections), `locks`, `journal`, `engine` (the state of a stack), `tenant`, `loop`.
"""
