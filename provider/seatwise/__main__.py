"""`python -m seatwise` is the `seatwise` command."""

from .cli import main

main()
