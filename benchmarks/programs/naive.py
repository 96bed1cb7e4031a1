"""One resource of the documentation's provider for each person."""

import os

from benchmarks.naive.naive import User
from benchmarks.people import people

base, key = os.environ["ENERFLO_BASE_URL"], os.environ["ENERFLO_API_KEY"]
for email, first_name in people():
    body = {"email": email, "first_name": first_name, "roles": ["Setter"]}
    User(email, None, base=base, key=key, **body, notify_email=False, allow_optimus=False)
