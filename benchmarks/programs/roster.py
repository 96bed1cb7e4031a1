"""One seatwise `Roster` for all people."""

import pulumi
from benchmarks.people import people

import seatwise
from seatwise import enerflo

members = [enerflo.UserArgs(email=email, first_name=name, roles=["Setter"]) for email, name in people()]
team = seatwise.Roster(
    "sales", vendor=enerflo, members=members, on_leave="deactivate", on_existing="fail", max_removals="100%"
)
pulumi.export("counts", team.counts)
