"""One resource for each person, without properties and with nothing to do."""

from benchmarks.idle import Idle
from benchmarks.people import people

for email, _ in people():
    Idle(email, {})
