"""One seatwise `User` for each person."""

from benchmarks.people import people

from seatwise import enerflo

for email, first_name in people():
    enerflo.User(email, email=email, first_name=first_name, roles=["Setter"])
