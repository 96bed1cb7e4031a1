"""What must be true whatever happened, asked of the vendor's own table and of the requests that left.

Each of P1 to P13 has a function here or, where it is about one moment only, a test of its own in
test_properties.py. All are asked after each history and each cell of the fault matrix.
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from model import Program, Stack
from seatwise.core.account.resuming import CREATE_IN_FLIGHT_S
from seatwise.core.vendor.errors import UnknownOutcome
from seatwise.sandbox.server import STAND_INS
from seatwise.sandbox.store import mailbox
from virtual import Sent, World

TURNED_AWAY = {401, 409, 429, 503}


def check(stack: Stack) -> None:
    """Everything that holds at any moment, in the middle of trouble too."""
    no_duplicates(stack.world)
    nothing_was_sent_twice(stack.world)
    without_outcome(stack.world)
    nobody_waits_for_ever(stack)
    nothing_went_elsewhere(stack.world)
    no_secret_is_told(stack)
    nothing_was_claimed_that_is_not_so(stack)


async def converges(stack: Stack, program: Program) -> None:
    """P4, P2: with the faults over, one plain `up` ends as declared, and the next ones write nothing.

    A create of the last five minutes whose outcome is not known may still arrive: an `up` within them fails for this
    reason alone, and the `up` after them ends as declared.
    """
    if not await stack.up(program):
        check(stack)
        others = {name: str(error) for name, error in stack.failures.items() if not is_on_its_way(error)}
        assert not others, others
        stack.world.time_goes_by()
        assert await stack.up(program), {name: str(error) for name, error in stack.failures.items()}
    check(stack)
    assert sorted(stack.state) == sorted(program)
    no_orphans(stack)
    mark = len(stack.world.trail)
    assert await stack.refresh()
    before = dict(stack.state)
    assert await stack.refresh(), "P13: refresh twice"
    assert stack.state == before
    assert await stack.up(program)
    assert written(stack.world.trail[mark:]) == []
    check(stack)


def is_on_its_way(error: Exception) -> bool:
    """Whether a create failed because an earlier one may still arrive; it says when to run again then."""
    return isinstance(error, UnknownOutcome) and "it may still arrive. Run `pulumi up` again in " in str(error)


def written(trail: list[Sent]) -> list[str]:
    """The requests that may have changed an account."""
    return [f"{sent.kind} {sent.url.path}" for sent in trail if sent.kind in ("create", "update", "delete")]


def no_duplicates(world: World) -> None:
    """P1: no e-mail has two accounts, though the vendor may let it."""
    emails = Counter(world.email(record) for record in world.accounts.values())
    assert [email for email, count in emails.items() if count > 1] == []


def no_orphans(stack: Stack) -> None:
    """P2: an account that seatwise made is in the state, or deactivated."""
    known = {resource.id for resource in stack.state.values()} | stack.world.by_hand.keys()
    orphans = {account: record for account, record in stack.world.accounts.items() if account not in known}
    assert [account for account, record in orphans.items() if not stack.world.is_retired(record)] == []


def nothing_was_sent_twice(world: World) -> None:
    """P5: in one process no create follows another of the same account that may have been carried out."""
    perhaps: set[tuple[int, str]] = set()
    for sent in world.trail:
        if sent.kind != "create":
            continue
        key = (sent.process, mailbox(str(sent.body[STAND_INS[world.name].EMAIL])))
        assert key not in perhaps, f"sent twice: {key}"
        is_turned_away = sent.answer is not None and sent.answer.status_code in TURNED_AWAY
        is_refused = sent.answer is not None and 400 <= sent.answer.status_code < 500
        if sent.arrived and not is_turned_away and not is_refused:
            perhaps.add(key)


def without_outcome(world: World, earlier: Mapping[str, float] = MappingProxyType({})) -> dict[str, float]:
    """P5: no process sends a create within five minutes of another one of the account whose outcome it cannot know.

    Returns when the last ones without an outcome left, by e-mail, the `earlier` ones among them.
    """
    left = dict(earlier)
    for sent in world.trail:
        if sent.kind != "create":
            continue
        email = mailbox(str(sent.body[STAND_INS[world.name].EMAIL]))
        is_early = sent.at - left.get(email, -CREATE_IN_FLIGHT_S) < CREATE_IN_FLIGHT_S
        assert not is_early, f"sent again after {sent.at - left[email]:.0f} seconds: {email}"
        answer = sent.answer
        if sent.arrived and (answer is None or (answer.status_code >= 500 and "retry-after" not in answer.headers)):
            left[email] = sent.at
    return left


def nobody_waits_for_ever(stack: Stack) -> None:
    """P8: no operation takes longer than its deadline and a second."""
    assert stack.slowest <= stack.world.settings.deadline + 1


def nothing_went_elsewhere(world: World) -> None:
    """P11: every request went to the tenant's own origin and below its path, or is the login of another origin."""
    base, login = world.settings.base_url, world.settings.login_url
    others = [sent for sent in world.trail if not str(sent.url).startswith(f"{base}/")]
    assert [str(sent.url) for sent in others if (sent.kind, str(sent.url)) != ("token", login)] == []


def no_secret_is_told(stack: Stack) -> None:
    """P6: no credential and no password in the state, in a warning or in a failure."""
    told = [repr(stack.state), *stack.world.warnings, *(f"{each} {each!r}" for each in stack.failures.values())]
    assert [secret for secret in stack.world.secrets() if any(secret in text for text in told)] == []


def nothing_was_claimed_that_is_not_so(stack: Stack) -> None:
    """P7: no account was reported as deleted or deactivated that is not."""
    assert stack.lies == [], stack.lies


def strangers_are_left_alone(world: World) -> None:
    """P12: an account created by hand is unchanged, unless it was adopted."""
    assert {account: world.accounts.get(account) for account in world.by_hand} == world.by_hand
