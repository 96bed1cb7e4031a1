"""Stand-ins for the vendors' APIs on this machine: a real HTTP server over SQLite.

They share no code with `seatwise.vendors`: otherwise the same mistake in both would hide itself. The server listens on
loopback only and is not for the internet.

Read in this order: `store`, `forms`, `replies` (what all stand-ins share), a vendor's file, `middleware`, `by_hand`,
`back_door`, `page`, `guard`, `server`.
"""
