"""One person's accounts in two tenants of Enerflo: the one that the environment configures, and another."""

import pulumi

from seatwise import enerflo

west = enerflo.Provider("west", env={"base_url": "WEST_ENERFLO_BASE_URL", "api_key": "WEST_ENERFLO_API_KEY"})

email = "ana@example.com"
in_east = enerflo.User("ana-east", email=email, roles=["Sales Rep"])
in_west = enerflo.User("ana-west", email=email, roles=["Setter"], opts=pulumi.ResourceOptions(provider=west))
pulumi.export("ids", {"east": in_east.id, "west": in_west.id})
