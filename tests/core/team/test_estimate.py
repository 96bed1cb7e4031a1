"""How many requests a change needs, and how long the vendor's limits make it."""

from typing import Any

import pytest
from pydantic import SecretStr

from seatwise.core.team import estimate
from seatwise.core.vendor.vendor import Vendor
from seatwise.vendors.enerflo import Enerflo
from seatwise.vendors.enerflo import Settings as EnerfloSettings
from seatwise.vendors.nexudus import Nexudus
from seatwise.vendors.nexudus import Settings as NexudusSettings
from seatwise.vendors.tenovos import Settings as TenovosSettings
from seatwise.vendors.tenovos import Tenovos

LOOPBACK = "http://127.0.0.1"


ON_1_5 = {"api_version": "1.5"}


def vendor(name: str, settings: dict[str, Any]) -> Vendor:
    own = {"base_url": LOOPBACK, **settings}
    if name == "enerflo":
        return Enerflo(EnerfloSettings(api_key=SecretStr("k"), **own))
    if name == "nexudus":
        return Nexudus(NexudusSettings(token=SecretStr("t"), **own))
    return Tenovos(TenovosSettings(api_key=SecretStr("k"), client_id="c", username="u", password=SecretStr("p"), **own))


@pytest.mark.parametrize(
    ("name", "settings", "creates", "updates", "removals", "told"),
    [
        ("nexudus", {}, 1000, 0, 0, "about 2,000 requests (1,000 creates at 60 a minute: about 17 minutes)"),
        ("nexudus", {}, 500, 400, 100, "about 2,000 requests (1,000 writes at 60 a minute: about 17 minutes)"),
        ("nexudus", {}, 0, 60, 0, "about 120 requests (60 writes at 60 a minute: about 1 minute)"),
        ("nexudus", {}, 0, 59, 0, "about 118 requests"),
        ("enerflo", {}, 1000, 0, 0, "about 1,000 requests (1,000 requests at 300 a minute: about 4 minutes)"),
        ("enerflo", {}, 0, 200, 50, "about 250 requests"),
        ("enerflo", {}, 1, 0, 0, "about 1 request"),
        ("enerflo", {"requests_per_minute": 10}, 20, 0, 0, "about 20 requests (20 requests at 10 a minute: about 2 "
         "minutes)"),
        ("enerflo", {"requests_per_minute": 0}, 100_000, 0, 0, "about 100,000 requests"),
        ("tenovos", {}, 1000, 0, 0, "about 3,000 requests"),
        ("tenovos", ON_1_5, 1000, 0, 0, "about 2,000 requests"),
        ("tenovos", {}, 0, 1000, 0, "about 1,000 requests"),
    ],
)  # fmt: skip
def test_a_change_is_told_with_its_cost(
    name: str, settings: dict[str, Any], creates: int, updates: int, removals: int, told: str
) -> None:
    assert estimate.cost(vendor(name, settings), creates=creates, updates=updates, removals=removals) == told


@pytest.mark.parametrize(
    ("name", "settings", "requests"),
    [("enerflo", {}, 200), ("nexudus", {}, 200), ("tenovos", {}, 300), ("tenovos", ON_1_5, 200)],
)
def test_accounts_of_their_own_are_read_back_one_by_one(name: str, settings: dict[str, Any], requests: int) -> None:
    assert estimate.cost(vendor(name, settings), creates=100, read_back_singly=True).startswith(
        f"about {requests} requests"
    )


def test_what_a_create_does_not_take_is_one_more_request() -> None:
    members = [["email", "roles"], ["roles", "office_ids"], ["active", "office_ids"], ["timezone"]]
    assert estimate.follow_ups(vendor("enerflo", {}), members) == 2
    assert estimate.follow_ups(vendor("nexudus", {}), [["active", "added_user_roles", "email"]]) == 0
