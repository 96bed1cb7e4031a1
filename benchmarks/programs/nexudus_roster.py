"""One seatwise `Roster` of Nexudus for all people."""

import pulumi
from benchmarks.people import people

import seatwise
from seatwise import nexudus

members = [
    nexudus.UserArgs(full_name=f"{first_name} Ruiz", email=email, language=nexudus.Language.SPANISH)
    for email, first_name in people()
]
team = seatwise.Roster(
    "hosts", vendor=nexudus, members=members, on_leave="deactivate", on_existing="fail", max_removals="100%"
)
pulumi.export("counts", team.counts)
