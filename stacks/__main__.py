"""A small team's accounts at three vendors, beside resources of another kind.

The people are in `team.yaml`; the stacks `dev` and `prod` differ only in their configuration.
"""

from pathlib import Path

import pulumi

import seatwise
from local import EmployeeNumber, JsonFile
from seatwise import enerflo

config = pulumi.Config()
ids: dict[str, pulumi.Output[dict[str, str]]] = {}

for person in seatwise.people(Path(__file__).with_name("team.yaml")):
    person["email"] = person["email"].replace("example.com", config.require("domain"))
    for account in person["accounts"]:
        if isinstance(account, enerflo.Account):
            number = EmployeeNumber(person["resource_name"], prefix="E")
            account.args["external_user_id"] = number.number  # made in this stack, used by the account
            account.args["notify_email"] = config.require_bool("welcome")
    ids[person["email"]] = seatwise.Person(**person).ids

# The accounts' ids, used by something else in this stack.
JsonFile("access-report", path=f"out/access-{pulumi.get_stack()}.json", content=ids)
pulumi.export("ids", ids)
