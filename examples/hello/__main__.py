"""One account at Enerflo."""

import pulumi

from seatwise import enerflo

ana = enerflo.User("ana", email="ana@example.com", first_name="Ana", roles=["Sales Rep"])
pulumi.export("ana", ana.id)
