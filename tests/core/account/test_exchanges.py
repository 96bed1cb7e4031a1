"""E-mails that move from account to account."""

import pytest

from seatwise.core.account.exchanges import Exchanges

Change = tuple[str, str, str]
A, B, C = ("u0", "a@x.y", "b@x.y"), ("u1", "b@x.y", "c@x.y"), ("u2", "c@x.y", "d@x.y")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param([A], [], id="one"),
        pytest.param([A, C], [], id="two without one between"),
        pytest.param([A, B], ["u0 gets that of u1 (b@x.y)"], id="the head of a list is removed"),
        pytest.param([B, A], ["u0 gets that of u1 (b@x.y)"], id="in the other order"),
        pytest.param([A, B, C], ["u0 gets that of u1 (b@x.y)"], id="told once"),
        pytest.param([A, ("u1", "b@x.y", "a@x.y")], ["u1 gets that of u0 (a@x.y)"], id="a swap"),
        pytest.param([A, ("u1", "B@X.y", "c@x.y")], ["u0 gets that of u1 (b@x.y)"], id="in any case"),
        pytest.param([("u0", "a@x.y", "A@x.y"), ("u1", "a@x.y", "a@x.y")], [], id="another spelling"),
        pytest.param([A, A], [], id="twice compared"),
        pytest.param([("u0", "a@x.y", "straße@x.y"), ("u1", "strasse@x.y", "b@x.y")], [], id="two mailboxes"),
    ],
)
def test_accounts_that_exchange_e_mails_are_told_once(changes: list[Change], told: list[str]) -> None:
    exchanges = Exchanges()
    lines = [line for each in changes if (line := exchanges.change(*each))]
    assert [line.partition(": ")[2].partition(", and with")[0] for line in lines] == told
    assert all("never after a list index" in line for line in lines)
