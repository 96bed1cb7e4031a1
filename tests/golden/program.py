"""The program of the golden files: one resource of each kind of situation. `make.py` runs it, and tests do."""

import pulumi

import seatwise
from seatwise import enerflo, nexudus, tenovos

PASSWORD = "a first password"

enerflo.User(
    "ana",
    email="Ana.Ruiz@Example.com",
    first_name="Ana",
    last_name="Ruiz",
    phone="(555) 010-0001",
    roles=["Sales Rep", "Regional Manager"],
    office_ids=[12, 13],
    external_user_id="E-17",
    password=PASSWORD,
)
nexudus.User(
    "ana",
    full_name="Ana Ruiz",
    email="ana@example.com",
    language=2,
    user_roles=[77],
    api_access=True,
    password=PASSWORD,
)
tenovos.User(
    "ana",
    email="ana@example.com",
    username="ana",
    first_name="Ana",
    last_name="Ruiz",
    phone="555 010 0001",
    user_role_name="End user",
    groups=["7d6207c0-f423-11e9-8071-89c0c4052141"],
    password=PASSWORD,
)
nexudus.User("jose", full_name="José Groß", email="José.Groß@Example.com", language=1)
enerflo.User("inactive", email="ina@example.com", roles=["Setter"], active=False)
nexudus.User("adopted", email="adele@example.com", language=1, full_name="Adele", on_existing="adopt")

west = enerflo.Provider("west", tenant="west", env={"api_key": "WEST_API_KEY"})
enerflo.User("wes", email="wes@example.com", roles=["Setter"], opts=pulumi.ResourceOptions(provider=west))

office = pulumi.ComponentResource("my:office/Team", "north")
tenovos.User(
    "nora",
    email="nora@example.com",
    username="nora",
    first_name="Nora",
    last_name="Lind",
    opts=pulumi.ResourceOptions(parent=office, protect=True),
)
seatwise.Person(
    "cleo",
    email="cleo@example.com",
    first_name="Cleo",
    last_name="Lind",
    accounts=[enerflo.Account(roles=["Setter"]), nexudus.Account(language=2)],
)

seatwise.Roster(
    "sales",
    vendor=enerflo,
    on_existing="adopt",
    members=[
        enerflo.UserArgs(email="Olga@example.com", roles=["Setter"], first_name="Olga"),  # was there before
        enerflo.UserArgs(email="Max.Strauß@Example.com", roles=["Sales Rep"], office_ids=[12], password=PASSWORD),
        enerflo.UserArgs(email="kim@example.com", roles=["Setter"], active=False),
    ],
)
seatwise.Roster(
    "desk",
    vendor=nexudus,
    on_leave="delete",
    members=[nexudus.UserArgs(email="dora@example.com", full_name="Dora", language=1)],
)
