"""Lines that a type checker takes: programs as people write them. The test beside this file runs both checkers."""

from collections.abc import Sequence
from typing import assert_type

import pulumi
from pulumi import Output, ResourceOptions

import seatwise
from seatwise import enerflo, nexudus, scim, tenovos

EMAIL = "ana@example.com"

# --- accounts ---------------------------------------------------------------------------------

role = Output.from_input("Setter")
roles_of_all = [role, role]
plain = ["Sales Rep"]
number: Output[int] = nexudus.role_id("Front desk")
numbers = [number, enerflo.office_id("Denver")]
some: Sequence[int] = (1, 2)
west = enerflo.Provider("west", base_url="https://west.example.com", api_key="key")
rep = enerflo.User("a", email=EMAIL, roles=["Sales Rep", role], office_ids=[enerflo.office_id("Denver")])
enerflo.User("b", ResourceOptions(provider=west), email=EMAIL, roles=["Sales Rep"], on_existing="adopt")
enerflo.User("c", opts=ResourceOptions(protect=True), email=EMAIL, roles=Output.from_input(["Sales Rep"]))
enerflo.User("d", email=rep.email, roles=plain, manager_id=rep.manager_id, password=Output.secret("x"))
enerflo.User("e", email=EMAIL, roles=rep.roles, on_destroy="retain", active=False)
enerflo.User.get("f", "1042").email.apply(str.upper)
host = nexudus.User("a", full_name="A", email=EMAIL, language=2, user_roles=numbers, added_businesses=[1, number])
nexudus.User("b", full_name="A", email=EMAIL, language=2, user_roles=[1, 2], businesses=Output.from_input([1]))
nexudus.User("c", full_name="A", email=EMAIL, language=2, chat_rooms=[number], added_chat_rooms=some)
nexudus.User("d", full_name="A", email=EMAIL, language=nexudus.Language.SPANISH, api_access=True, access_token="x")
text: Output[str] = tenovos.role_id("Librarian")
groups = [tenovos.group_id("Marketing")]
editor = tenovos.User("a", email=EMAIL, first_name="A", last_name="B", username="a", status="enabled", groups=groups)
tenovos.User("b", email=EMAIL, first_name="A", last_name="B", groups=tenovos.get_user("b@c.d").groups)
dev = scim.User("a", user_name=EMAIL, email=EMAIL)
joined = scim.Membership("a", user=dev.id, group=scim.group_id("Engineers"))
scim.Membership("b", ResourceOptions(protect=True), user="u-1", group="g-1")

assert_type(joined.shown_in, Output[str])
assert_type(rep.id, Output[str])
assert_type(rep.adopted, Output[bool])
assert_type(rep.email, Output[str])
assert_type(rep.roles, Output[list[str]])
assert_type(rep.office_ids, Output[list[int]])
assert_type(rep.role_slugs, Output[list[str]])
assert_type(host.language, Output[int])
assert_type(host.user_roles, Output[list[int]])
assert_type(host.added_user_roles, Output[list[int]])
assert_type(host.updated_on, Output[str])
assert_type(editor.status, Output[str])
assert_type(editor.username, Output[str])

# --- teams ------------------------------------------------------------------------------------

member = enerflo.UserArgs(email=EMAIL, roles=[role])
member["first_name"] = "Ana"
members = [member, enerflo.UserArgs(email=EMAIL, roles=roles_of_all), enerflo.UserArgs(email=EMAIL, roles=plain)]
sales = seatwise.Roster("sales", vendor=enerflo, members=members, max_removals="10%")
seatwise.Roster("file", vendor=nexudus, members=seatwise.load_members("team.csv"), on_leave="delete")
hosts = [nexudus.UserArgs(full_name="A", email=EMAIL, language=2, user_roles=[nexudus.role_id(Output.from_input("x"))])]
seatwise.Roster("hosts", vendor=nexudus, members=hosts)
assert_type(sales.ids, Output[dict[str, str]])
for args in (
    tenovos.UserArgs(email=EMAIL, first_name="A", last_name="B", user_role_id=text, groups=groups),
    tenovos.UserArgs(email=EMAIL, first_name="A", last_name="B", groups=["x", tenovos.group_id("y")]),
    tenovos.UserArgs(email=EMAIL, first_name="A", last_name="B", groups=tenovos.get_user("b@c.d").groups),
):
    tenovos.User("a", **args)

# --- people -----------------------------------------------------------------------------------

enerflo.Account(roles=["Setter"], office_ids=[enerflo.office_id("Denver"), 12])
enerflo.Account(roles=[role, "Setter"], email=EMAIL, on_destroy="deactivate")
nexudus.Account(language=2, user_roles=numbers, removed_user_roles=[nexudus.role_id("Accountant")])
nexudus.Account(language=2, removed_chat_rooms=[1, number], opts=ResourceOptions(protect=True))
for each in seatwise.people("people.yaml"):
    each["email"] = each["email"].lower()
    for account in each["accounts"]:
        if isinstance(account, enerflo.Account):
            account.args["external_user_id"] = number
    each["accounts"].append(enerflo.Account(roles=["Setter"], provider=west))
    person = seatwise.Person(**each, opts=pulumi.ResourceOptions(protect=True))
    pulumi.export(each["resource_name"], person.ids.apply(lambda ids: ids["enerflo"].upper()))
accounts = [tenovos.Account(), nexudus.Account(language=2)]
seatwise.Person("ben", email=role, active=number.apply(bool), accounts=accounts)

# --- look-ups ---------------------------------------------------------------------------------

users: Output[list[enerflo.GetUserResult]] = enerflo.get_users(role="Setter")
emails: Output[list[str]] = users.apply(lambda found: [user.email for user in found])
offices: Output[list[str]] = enerflo.get_offices().apply(lambda found: [office.name for office in found])
roles: Output[list[nexudus.UserRole]] = nexudus.get_user_roles(business=nexudus.business_id("Downtown"))
assert_type(enerflo.get_user(email=EMAIL, provider=west), Output[enerflo.GetUserResult])
assert_type(tenovos.group_id("Marketing"), Output[str])


def read(user: nexudus.GetUserResult, listed: nexudus.ListedUser, setter: enerflo.GetUserResult) -> None:
    """Show the types of what a look-up finds."""
    assert_type(user.id, str)
    assert_type(user.email, str)
    assert_type(user.active, bool | None)
    assert_type(user.user_roles, list[int] | None)
    assert_type(listed.updated_on, str | None)
    assert_type(setter.role_slugs, list[str] | None)


made_up = enerflo.GetUserResult(id="1", email=EMAIL, roles=["Setter"])
