"""A small team's accounts at three vendors, beside resources of another kind.

The people are in `team.yaml`; the stacks `dev` and `prod` differ by their configuration only.
"""

from pathlib import Path

import pulumi
import yaml

from local import EmployeeNumber, JsonFile
from seatwise import enerflo, nexudus, tenovos

config = pulumi.Config()
domain = config.require("domain")
team = yaml.safe_load(Path(__file__).with_name("team.yaml").read_text())
ids: dict[str, dict[str, pulumi.Output[str]]] = {}

for name, person in team.items():
    email = f"{name}@{domain}"
    first, last = person["first_name"], person["last_name"]
    ids[email] = {}

    if "enerflo" in person:
        number = EmployeeNumber(name, prefix="E")
        rep = enerflo.User(
            name,
            email=email,
            first_name=first,
            last_name=last,
            phone=person["phone"],
            external_user_id=number.number,  # made in this stack, used by the account
            notify_email=config.require_bool("welcome"),
            **person["enerflo"],
        )
        ids[email]["enerflo"] = rep.id

    if "nexudus" in person:
        host = nexudus.User(name, email=email, full_name=f"{first} {last}", **person["nexudus"])
        ids[email]["nexudus"] = host.id

    if "tenovos" in person:
        editor = tenovos.User(
            name,
            email=email,
            username=name,
            first_name=first,
            last_name=last,
            phone=person["phone"],
            **person["tenovos"],
        )
        ids[email]["tenovos"] = editor.id

# The accounts' ids, used by something else in this stack.
JsonFile("access-report", path=f"out/access-{pulumi.get_stack()}.json", content=ids)
pulumi.export("ids", ids)
