"""Look-ups are typed: what is right passes a type checker, what is wrong is found."""

import re
import subprocess
import sys
from pathlib import Path

GOOD = """
from collections.abc import Sequence
from pulumi import Output
from seatwise import enerflo, nexudus, tenovos

number: Output[int] = nexudus.role_id("Front desk")
numbers = [number, enerflo.office_id("Denver")]
nexudus.User("a", full_name="A", email="a@b.c", language=2, user_roles=numbers, added_businesses=[1, number])
nexudus.User("b", full_name="A", email="a@b.c", language=2, user_roles=[1, 2], businesses=Output.from_input([1]))
nexudus.UserArgs(full_name="A", email="a@b.c", language=2, user_roles=[nexudus.role_id(Output.from_input("x"))])
nexudus.Account(language=2, user_roles=numbers, removed_user_roles=[nexudus.role_id("Accountant")])
enerflo.Account(roles=["Setter"], office_ids=[enerflo.office_id("Denver"), 12])
role = Output.from_input("Setter")
enerflo.User("c", email="a@b.c", roles=["Sales Rep", role], office_ids=[enerflo.office_id("Denver")])
enerflo.User("d", email="a@b.c", roles=["Sales Rep"])
enerflo.User("e", email="a@b.c", roles=Output.from_input(["Sales Rep"]))
enerflo.UserArgs(email="a@b.c", roles=[role])
roles_of_all = [role, role]
enerflo.UserArgs(email="a@b.c", roles=roles_of_all)
plain = ["Sales Rep"]
enerflo.UserArgs(email="a@b.c", roles=plain)
enerflo.Account(roles=[role, "Setter"])
nexudus.User("c", full_name="A", email="a@b.c", language=2, chat_rooms=[number], added_chat_rooms=numbers)
nexudus.Account(language=2, removed_chat_rooms=[1, number])
text: Output[str] = tenovos.role_id("Librarian")
groups = [tenovos.group_id("Marketing")]
for args in (
    tenovos.UserArgs(email="a@b.c", first_name="A", last_name="B", user_role_id=text, groups=groups),
    tenovos.UserArgs(email="a@b.c", first_name="A", last_name="B", groups=["x", tenovos.group_id("y")]),
    tenovos.UserArgs(email="a@b.c", first_name="A", last_name="B", groups=tenovos.get_user("b@c.d").groups),
):
    tenovos.User("a", **args)
users: Output[list[enerflo.GetUserResult]] = enerflo.get_users(role="Setter")
emails: Output[list[str]] = users.apply(lambda found: [user.email for user in found])
offices: Output[list[str]] = enerflo.get_offices().apply(lambda found: [office.name for office in found])
roles: Output[list[nexudus.UserRole]] = nexudus.get_user_roles(business=nexudus.business_id("Downtown"))
"""
WRONG = {
    'enerflo.get_user(mail="a@b.c")': "mail",
    'enerflo.get_users(role="Setter", aktive=True)': "aktive",
    "enerflo.office_id(12)": "incompatible type",
    'enerflo.User("a", email="a@b.c", roles=[], office_ids=[tenovos.group_id("x")])': "incompatible type",
    'nexudus.User("a", full_name="A", email="a@b.c", language=2, user_roles=["Front desk"])': "incompatible type",
    'enerflo.User("a", email="a@b.c", roles=[12])': "incompatible type",
    'enerflo.User("a", email="a@b.c", roles="Setter")': "incompatible type",
    'tenovos.User("a", email="a@b.c", first_name="A", last_name="B", groups="x")': "incompatible type",
    'nexudus.Account(language=2, chat_rooms=["x"])': "incompatible type",
    "enerflo.get_offices().apply(lambda found: found[0].town)": "town",
    "nexudus.get_users().apply(lambda found: found[0].user_roles)": "user_roles",
    'nexudus.get_businesses(provider=enerflo.Provider("west"))': "incompatible type",
    'tenovos.get_users(active="enabled")': "incompatible type",
}


def test_type_checkers_accept_good_lines_and_find_bad_ones(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "wrong.py").write_text("\n".join(["from seatwise import enerflo, nexudus, tenovos", *WRONG]))

    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--cache-dir", str(tmp_path.parent / "mypy"), "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    found = dict(re.findall(r"wrong\.py:(\d+): error: (.*)", checked.stdout))
    assert [line for line in checked.stdout.splitlines() if line.startswith("good.py")] == []
    for number, (line, complaint) in enumerate(WRONG.items(), start=2):
        assert complaint in found.get(str(number), "nothing"), line
