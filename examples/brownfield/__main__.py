"""Existing accounts of Enerflo, adopted with `seatwise import`."""

from seatwise import enerflo

enerflo.User(
    "ana@example.com",
    email="Ana@Example.com",
    roles=["Sales Rep"],
    first_name="Ana",
    last_name="Ruiz",
    phone="5550100001",
    active=True,
    timezone="America/Denver",
    can_create_customers=True,
)

enerflo.User(
    "ben@example.com",
    email="ben@example.com",
    roles=["Regional", "Sales Rep"],
    first_name="Ben",
    last_name="O'Brien",
    active=True,
    timezone="America/Denver",
    allow_optimus=True,
    can_create_customers=True,
)

enerflo.User(
    "chloe@example.com",
    email="chloe@example.com",
    roles=["Setter"],
    first_name="Chloe",
    active=False,
    timezone="America/Denver",
    can_create_customers=True,
)
