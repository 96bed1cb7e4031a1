"""The thin layer that touches the network; the only one that imports httpx.

Read in this order: `settings`, `pacing`, `retry`, `journal`, `tenant`, `loop`.
"""
