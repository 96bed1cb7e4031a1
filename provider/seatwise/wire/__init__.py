"""The I/O layer: network, SQLite files and the `pulumi` command. No other room imports httpx.

Reading order: `settings`, `pacing`, `retry`, `journal`, `tenant`, `loop`.
"""
