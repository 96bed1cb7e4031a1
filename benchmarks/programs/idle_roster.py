"""One resource with all people in a map, and nothing to do."""

from benchmarks.idle import Idle
from benchmarks.people import people

Idle(
    "sales", {"members": {email: {"email": email, "first_name": name, "roles": ["Setter"]} for email, name in people()}}
)
