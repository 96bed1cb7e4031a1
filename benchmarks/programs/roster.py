"""One seatwise `Roster` for all."""

from importlib import import_module

import pulumi
from benchmarks.people import people

from seatwise import enerflo

Roster = import_module("seatwise").Roster  # by name: older versions have none
members = [enerflo.UserArgs(email=email, first_name=name, roles=["Setter"]) for email, name in people()]
team = Roster("sales", vendor=enerflo, members=members, on_leave="deactivate", on_existing="fail", max_removals="100%")
pulumi.export("counts", team.counts)
