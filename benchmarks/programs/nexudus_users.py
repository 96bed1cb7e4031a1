"""One seatwise `User` of Nexudus for each person."""

from benchmarks.people import people

from seatwise import nexudus

for email, first_name in people():
    nexudus.User(email, full_name=f"{first_name} Ruiz", email=email, language=nexudus.Language.SPANISH)
