"""Each vendor's stand-in has what the sandbox asks of it."""

import pytest

from conftest import Sandbox
from seatwise.sandbox.replies import StandIn
from seatwise.sandbox.server import STAND_INS

MEMBERS = {name for name in {**StandIn.__annotations__, **vars(StandIn)} if not name.startswith("_")}


@pytest.mark.parametrize("vendor", STAND_INS)
def test_an_account_can_be_created_and_changed_by_hand(vendor: str, sandbox: Sandbox) -> None:
    stand_in = STAND_INS[vendor]
    assert [name for name in sorted(MEMBERS) if not hasattr(stand_in, name)] == []
    account = sandbox.add(vendor, **{stand_in.EMAIL: "ana@example.com"})
    record = sandbox.only(vendor)
    assert [field.key for field in stand_in.FIELDS if field.key not in record] == []
    sandbox.change(vendor, account, **{stand_in.EMAIL: "anna@example.com"})
    assert sandbox.only(vendor)[stand_in.EMAIL] == "anna@example.com"
