"""The program of the golden files of SCIM: each kind of resource that a service which speaks it has."""

import seatwise
from seatwise import scim

ana = scim.User(
    "ana",
    user_name="Ana.Ruiz@Example.com",
    email="ana@example.com",
    external_id="E-17",
    first_name="Ana",
    last_name="Ruiz",
    display_name="Ana Ruiz",
    phone="+1 555 010 0001",
    addresses=[{"locality": "Lima", "type": "work"}],
    roles=["dev", "ops"],
    department="Research",
    password="a first password",
)
scim.User("inactive", user_name="ina@example.com", active=False)
scim.User("adopted", user_name="adele@example.com", display_name="Adele", on_existing="adopt")
scim.Membership("ana", user=ana.id, group=scim.group_id("Engineers"))
seatwise.Roster(
    "guests",
    vendor=scim,
    members=[
        scim.UserArgs(user_name="Max.Strauß@Example.com", display_name="Max"),
        scim.UserArgs(user_name="kim@example.com", active=False),
    ],
)
