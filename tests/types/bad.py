"""Lines that a type checker refuses. Behind each: mypy's code, pyright's rule, and a word that both messages have."""

from pulumi import ResourceOptions

import seatwise
from seatwise import enerflo, nexudus, scim, tenovos

west = enerflo.Provider("west")
rep = enerflo.User("a", email="a@b.c", roles=[])
host = nexudus.User("a", full_name="A", email="a@b.c", language=2)
args = enerflo.UserArgs(email="a@b.c", roles=[])
account = enerflo.Account(roles=[])

enerflo.User("a", email="a@b.c")  # call-arg reportCallIssue roles
enerflo.User("a", emial="a@b.c", roles=[])  # call-arg reportCallIssue emial
enerflo.User(email="a@b.c", roles=[])  # call-arg reportCallIssue resource_name
enerflo.User("a", email=12, roles=[])  # arg-type reportArgumentType email
enerflo.User("a", email="a@b.c", roles=[12])  # list-item reportArgumentType str
enerflo.User("a", email="a@b.c", roles="Setter")  # arg-type reportArgumentType roles
enerflo.User("a", email="a@b.c", roles=[], office_ids=[tenovos.group_id("x")])  # list-item reportArgumentType int
enerflo.User("a", email="a@b.c", roles=[], on_existing="take")  # arg-type reportArgumentType on_existing
nexudus.User("a", full_name="A", email="a@b.c", language=2, on_destroy="drop")  # arg-type reportArgumentType on_destroy
enerflo.User("a", email="a@b.c", roles=[], role_slugs=["setter"])  # call-arg reportCallIssue role_slugs
enerflo.User("a", email="a@b.c", roles=[], adopted=True)  # call-arg reportCallIssue adopted
enerflo.User("a", email="a@b.c", roles=[], opts="protect")  # arg-type reportArgumentType opts
enerflo.User("a", ResourceOptions(), "a@b.c", roles=[])  # call-arg reportCallIssue positional
nexudus.User("a", full_name="A", email="a@b.c", language="x")  # arg-type reportArgumentType language
scim.Membership("a", user="u-1")  # call-arg reportCallIssue group
scim.Membership("a", user=1, group="g-1")  # arg-type reportArgumentType user
enerflo.User("a", email="a@b.c", roles=[], office_ids={1, 2})  # arg-type reportArgumentType office_ids
nexudus.User("a", full_name="A", email="a@b.c", language=2, user_roles=["x"])  # list-item reportArgumentType int
tenovos.User("a", email="a@b.c", first_name="A", last_name="B", groups="x")  # arg-type reportArgumentType groups
tenovos.User("a", email="a@b.c", first_name="A", last_name="B", status="off")  # arg-type reportArgumentType status
rep.password  # arg-type reportAttributeAccessIssue User
rep.on_existing  # arg-type reportAttributeAccessIssue User
rep.opts  # attr-defined reportAttributeAccessIssue opts
rep.rols  # attr-defined reportAttributeAccessIssue rols
rep.active = True  # arg-type reportAttributeAccessIssue User
host.user_roles.apply(lambda roles: roles[0].upper())  # attr-defined reportAttributeAccessIssue upper

enerflo.UserArgs(email="a@b.c")  # call-arg reportCallIssue roles
enerflo.UserArgs(email="a@b.c", roles=[], rols=[])  # call-arg reportCallIssue rols
nexudus.UserArgs(full_name="A", email="a@b.c", language=2, name="x")  # call-arg reportCallIssue name
args.email  # call-overload reportAttributeAccessIssue UserArgs
seatwise.Roster("a", members=[args])  # call-arg reportCallIssue vendor
seatwise.Roster("a", vendor=enerflo, members=[args], on_leave="keep")  # arg-type reportArgumentType on_leave

enerflo.Account()  # call-arg reportCallIssue roles
enerflo.Account(rols=["Setter"], roles=[])  # call-arg reportCallIssue rols
tenovos.Account(status="off")  # arg-type reportArgumentType status
nexudus.Account(language=2, provider=west)  # arg-type reportArgumentType provider
nexudus.Account(language=2, chat_rooms=["x"])  # list-item reportArgumentType int
account.roles = ["Setter"]  # arg-type reportAttributeAccessIssue Account
account.roles  # call-overload reportAttributeAccessIssue Account
seatwise.Person("a", accounts=[])  # call-arg reportCallIssue email
seatwise.Person("a", emial="a@b.c", email="a@b.c", accounts=[])  # call-arg reportCallIssue emial
seatwise.Person("a", email="a@b.c", accounts=[enerflo.User])  # list-item reportArgumentType PersonAccount
seatwise.Person("a", email="a@b.c", accounts=[], expires=5)  # arg-type reportArgumentType expires
for each in seatwise.people("people.yaml"):
    each["surname"] = "x"  # typeddict-unknown-key reportGeneralTypeIssues surname

enerflo.get_user(mail="a@b.c")  # call-arg reportCallIssue mail
enerflo.get_users(role="Setter", aktive=True)  # call-arg reportCallIssue aktive
enerflo.office_id(12)  # arg-type reportArgumentType str
enerflo.get_offices().apply(lambda found: found[0].town)  # attr-defined reportAttributeAccessIssue town
enerflo.get_users().apply(lambda found: found[0].password)  # arg-type reportAttributeAccessIssue User
nexudus.get_users().apply(lambda found: found[0].user_roles)  # attr-defined reportAttributeAccessIssue user_roles
nexudus.get_businesses(provider=west)  # arg-type reportArgumentType provider
nexudus.get_user("a@b.c", provider=west)  # arg-type reportArgumentType provider
tenovos.get_users(active="enabled")  # arg-type reportArgumentType active
enerflo.Provider("a", api_kye="x")  # call-arg reportCallIssue api_kye
