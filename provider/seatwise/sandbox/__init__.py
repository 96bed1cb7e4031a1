"""A stand-in for the three vendors' APIs on this machine: a real HTTP server over SQLite.

It shares no code with `seatwise.vendors`, so that a mistake there is not hidden by the same mistake
here. It listens on loopback only and is not for the internet.
"""
