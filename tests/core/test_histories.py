"""Random histories: programs, runs, crashes, faults and people's hands in any order, in virtual time.

What must be true is asked of the vendor's own table and of the requests that left, after each run. A
history is a list of plain values, and all chance within it comes from them: a failure shrinks, and
happens again in the same way.

SEATWISE_SOAK=1 makes thirteen thousand histories of it, from a seed that stands in the tests' names;
SEATWISE_SEED repeats one.
"""

import os
import random
import shutil
import sys
import tempfile
import uuid
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar

import httpx
import pytest
import trio
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from trio.testing import MockClock

import oracle
from conftest import by_vendor
from model import NONE, Replacement, Resource, Stack, is_retained
from seatwise.core.account.ports import Unconfirmed
from seatwise.core.account.resuming import CREATE_IN_FLIGHT_S
from seatwise.core.vendor.errors import AccountError, AccountExists, NoSuchAccount, VendorBroken
from seatwise.sandbox.server import STAND_INS
from seatwise.sandbox.store import mailbox
from seatwise.vendors import names, vendor_named
from seatwise.wire import journal
from seatwise.wire.settings import RunSettings
from virtual import (
    Fault,
    Sent,
    World,
    answered,
    cannot_connect,
    killed_after,
    killed_before,
    lost_after,
    lost_before,
)

T = TypeVar("T")
Record = dict[str, Any]

# --- what the vendors' accounts have ----------------------------------------------------------


def _itself(value: Any) -> Any:
    return value


def _digits(value: Any) -> Any:
    return "".join(each for each in str(value) if each.isdigit())


def _first_and_others(value: Any) -> Any:
    return (value[:1], frozenset(value[1:]))


@dataclass(frozen=True)
class Argument:
    """An argument, its key in the vendor's table, and how a value of either is told from another."""

    name: str
    key: str
    values: tuple[Any, ...]
    """What a program may say. A person at the admin page may set it as the vendor stores it."""
    stored: Callable[[Any], Any] = _itself
    """A declared value as the vendor stores it."""
    normal: Callable[[Any], Any] = _itself
    required: bool = False
    shown: bool = True
    """Whether the vendor's answers tell it."""
    delta: bool | None = None
    """True or false for items that must, or must not, be in a list whose other items are left alone."""

    def is_so(self, declared: Any, record: Mapping[str, Any]) -> bool:
        """Whether a record is as declared."""
        there = record.get(self.key)
        if self.delta is not None:
            return all((each in (there or [])) is self.delta for each in declared)
        return bool(self.normal(self.stored(declared)) == self.normal(there))


@dataclass(frozen=True)
class Accounts:
    """What the histories do with the accounts of one vendor."""

    arguments: tuple[Argument, ...]
    active: str
    """The argument that says whether an account is active."""
    is_active: tuple[Any, Any]
    """What the vendor's table holds for an inactive and for an active one."""
    never_declared: Mapping[str, tuple[Any, ...]]
    """Keys of the table that no history declares, with what a person may set."""
    given_once: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that every account is made with."""
    quirks: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    on_destroy: tuple[str | None, ...] = (None, "deactivate", "retain")
    passwords: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Argument:
        return next(each for each in self.arguments if each.name == name)

    @property
    def active_key(self) -> str:
        return self[self.active].key


_NAMES = ("Ana", "Ben", "Cleo")
_ROLE_IDS = {
    name: f"7d5620e{number}-f423-11e9-8071-89c0c4052141" for number, name in enumerate(("End user", "Librarian"))
}
_GROUPS = ("7d6207c0-f423-11e9-8071-89c0c4052141", "7d6207c1-f423-11e9-8071-89c0c4052141")

ACCOUNTS = {
    "enerflo": Accounts(
        (
            Argument("roles", "roles", (["Sales Rep"], ["Setter", "Sales Rep"], ["Regional Manager"]), normal=frozenset,
                     required=True),
            Argument("first_name", "first_name", _NAMES),
            Argument("last_name", "last_name", _NAMES),
            Argument("phone", "phone", ("(555) 010-0001", "555-010-0002"), stored=_digits),
            Argument("active", "active", (True, False)),
            Argument("office_ids", "office_ids", ([12], [13, 12, 14]), normal=_first_and_others, shown=False),
        ),
        active="active",
        is_active=(False, True),
        never_declared={"can_reassign_leads": (False, True), "external_user_id": ("x1", "x2")},
        quirks={"enerflo_reply": ("user", "data", "bare", "none")},
    ),
    "nexudus": Accounts(
        (
            Argument("full_name", "FullName", _NAMES, required=True),
            Argument("language", "Language", (1, 2, 3), required=True),
            Argument("user_roles", "UserRoles", ([77], [78, 77], []), normal=frozenset),
            Argument("api_access", "APIAccess", (True, False)),
            Argument("active", "Active", (True, False)),
            Argument("on_new_email", "OnNewEmail", (True, False)),
            Argument("added_businesses", "Businesses", ([5], [6, 5]), delta=True),
            Argument("removed_businesses", "Businesses", ([7], [8]), delta=False),
        ),
        active="active",
        is_active=(False, True),
        never_declared={"IsAdmin": (True, False), "ChatRooms": ([5], [6, 7]), "Devices": ("a laptop", "a phone")},
        quirks={"nexudus_omitted": ("reset", "keep")},
        on_destroy=(None, "deactivate", "retain", "delete"),
        passwords=("a first password", "another one"),
    ),
    "tenovos": Accounts(
        (
            Argument("first_name", "firstName", _NAMES, required=True),
            Argument("last_name", "lastName", _NAMES, required=True),
            Argument("friendly_name", "friendlyName", _NAMES, shown=False),
            Argument("phone", "phone", ("555 010 0001", "555-010-0002"), normal=_digits, shown=False),
            Argument("company", "company", ("Example Inc.", "Another"), shown=False),
            Argument("user_role_name", "userRoleId", tuple(_ROLE_IDS), stored=_ROLE_IDS.get),
            Argument("groups", "groups", (list(_GROUPS[:1]), list(reversed(_GROUPS))), normal=frozenset),
            Argument("status", "status", ("enabled", "disabled")),
        ),
        active="status",
        is_active=("disabled", "enabled"),
        never_declared={"country": ("Chile", "Peru"), "contact": (1, 2)},
        given_once={"username": None},
        quirks={"tenovos_search_lag": (0, 1, 3)},
    ),
    "scim": Accounts(
        (
            Argument("display_name", "displayName", _NAMES),
            Argument("title", "title", ("Engineer", "Lead")),
            Argument("nick_name", "nickName", _NAMES),
            Argument("preferred_language", "preferredLanguage", ("en-US", "es-CL"), normal=str.lower),
            Argument("active", "active", (True, False)),
        ),
        active="active",
        is_active=(False, True),
        never_declared={"userType": ("Contractor", "Employee"), "locale": ("en-US", "es-CL")},
        quirks={"scim_patch": ("the record", "204"), "scim_pages": ("index",), "scim_cap": (2, 100)},
        on_destroy=(None, "deactivate", "retain", "delete"),
    ),
}  # fmt: skip
EMAILS = tuple(f"{name}@example.com" for name in ("ana", "ben", "cleo", "dan", "eva", "finn"))
MEMORY = Path("/dev/shm")
"""A folder without a disk, where there is one."""
RESOURCES = ("r1", "r2", "r3", "r4", "r5")
BOOKKEEPING = {"UpdatedOn", "UpdatedBy", "hidden", "meta", "schemas"}
"""What the vendors change by themselves."""

# --- what is in the way -----------------------------------------------------------------------

HTML = b"<html>busy</html>"
answered_in_json = partial(answered, content_type="application/json")
EMPTY = answered_in_json(200, carried_out=True)
FAULTS: tuple[Fault, ...] = (
    cannot_connect,
    lost_before,
    lost_after,
    answered(500, carried_out=True),
    answered(500, carried_out=False),
    answered(502, HTML, carried_out=True, content_type="text/html"),
    answered(502, HTML, carried_out=False, content_type="text/html"),
    answered(503, carried_out=False, retry_after="3"),
    answered(503, carried_out=False, retry_after="600"),
    answered(429, carried_out=False),
    answered(429, carried_out=False, retry_after="5"),
    EMPTY,
    answered_in_json(200, b'{"Value": {"Id": 10', carried_out=True),
    answered_in_json(401, b'{"message": "Unauthorized"}', carried_out=False),
    answered_in_json(403, b'{"message": "Forbidden"}', carried_out=False),
    answered_in_json(404, b'{"message": "Not Found"}', carried_out=False),
)


def _written(body: Mapping[str, Any], key: str) -> Any:
    """What an update writes under a key: in its body, or in an operation of a PATCH by RFC 7644."""
    said = [each.get("value") for each in body.get("Operations", ()) if each["path"] == key]
    return said[0] if said else body.get(key)


@dataclass
class Weather:
    """What becomes of the requests of one run."""

    seed: int = 0
    share: float = 0
    """The share of requests that meet a fault."""
    kind: str = ""
    """The only kind of requests that meet one; all do when it is empty."""
    kill_at: int = 0
    """The request at which the machine stops; nothing leaves from then on."""
    is_killed_after: bool = False
    expire_at: int = 0
    """The request before which all tokens are made void."""
    is_late: bool = False
    """Whether the first create is held back until the run has ended."""
    store: Any = None
    vendor: str = ""
    seen: int = 0
    late: list[httpx.Request] = field(default_factory=list)

    faults: tuple[Fault, ...] = FAULTS

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    @property
    def is_calm(self) -> bool:
        """Whether everything arrives and is answered."""
        return not (self.share or self.kill_at or self.is_late)

    @property
    def is_over(self) -> bool:
        """Whether the machine has stopped."""
        return 0 < self.kill_at <= self.seen

    def __call__(self, kind: str) -> Fault | None:
        self.seen += 1
        if self.is_over:
            return killed_after if self.is_killed_after and self.seen == self.kill_at else killed_before
        if self.seen == self.expire_at:
            self.store.revoke(self.vendor)
        if self.is_late and kind == "create" and not self.late:
            return self._hold_back
        is_meant = self.kind in ("", kind)
        return self.chance.choice(self.faults) if is_meant and self.chance.random() < self.share else None

    async def _hold_back(self, request: httpx.Request, inner: httpx.AsyncBaseTransport) -> httpx.Response:
        self.late.append(request)
        raise httpx.ReadTimeout("time-out")


# --- the machine ------------------------------------------------------------------------------

PICK = st.integers(0, 11)
"""Which one of those that are there."""
SEEDS = st.integers(0, 2**16)


def one_of(things: Any, number: int) -> Any:
    """One of those that are there."""
    found = list(things)
    return found[number % len(found)]


class Histories(RuleBasedStateMachine):
    """What may happen to the accounts of one vendor, and what must be true all the time."""

    vendor: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.accounts_of = ACCOUNTS[self.vendor]
        self.email_key = STAND_INS[self.vendor].EMAIL
        self.identity = vendor_named(self.vendor).identity_field
        self.clock = MockClock(autojump_threshold=0)
        self.program: dict[str, dict[str, Any]] = {}
        self.left_out: dict[str, dict[str, Any]] = {}
        """What the program said last of resources that it does not say any more."""
        self.settled: dict[str, dict[str, Any]] = {}
        """The program as the last run that succeeded brought it about."""
        self.is_settled = False
        self.given: Counter[str] = Counter()
        self.owed: dict[str, tuple[str, str]] = {}
        """Accounts in no state that seatwise may give back: under which e-mail and, unless retired, to whom."""
        self.lent: dict[str, tuple[str, str]] = {}
        """Accounts that were owed and that people gave another e-mail.

        They are left alone. But no table and no journal can tell one whose e-mail was put back from one that
        nobody touched: it may be given back, and need not be.
        """
        self.intents: dict[str, str] = {}
        """E-mails of creates of which it is not known what became of them."""
        self.left: dict[str, tuple[float, str]] = {}
        """When such a create left at the latest (seconds), and for which resource, by e-mail."""
        self.without_outcome: dict[str, float] = {}
        """When creates left of which seatwise cannot know what became of them, by e-mail (seconds)."""
        self.drifted: set[str] = set()
        """Accounts that people changed since the engine looked."""
        self.unproven: set[str] = set()
        """Accounts that people gave another e-mail before anyone had read them: the answer to the create alone had
        said their ids."""
        self.leaving: set[str] = set()
        """Accounts that some run has, or may have, retired."""
        self.reserved: set[str] = set()
        """E-mails that the vendor gives to nobody any more."""

    @initialize(
        unique_emails=st.booleans(),
        checkpoints=st.booleans(),
        quirk=PICK,
        people=st.integers(0, 4),
        strangers=st.integers(0, 2),
    )
    def begin(self, unique_emails: bool, checkpoints: bool, quirk: int, people: int, strangers: int) -> None:
        quirks = {name: one_of(values, quirk) for name, values in self.accounts_of.quirks.items()}
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(journal, "time", SimpleNamespace(time=self.clock.current_time))
        ids = random.Random(0)
        drawn = SimpleNamespace(uuid4=lambda: uuid.UUID(int=ids.getrandbits(128), version=4))
        self.patches.setattr(STAND_INS[self.vendor], "uuid", drawn, raising=False)  # accounts are listed by their ids
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        run = RunSettings(journal=self.folder / "journal.db")
        self.unique_emails = unique_emails
        self.world = World(self.vendor, run, unique_emails=unique_emails, **quirks)
        self.stack = Stack(self.world, checkpoints=checkpoints)
        for number in range(people):
            self.declare(number, number, number, spelling=False, adopt=False, is_known=False)
        if people and strangers:
            self.up()
            for email in self._free_emails()[:strangers]:
                self._make_by_hand(email, is_active=True)

    # --- the program --------------------------------------------------------------------------

    @precondition(lambda self: len(self.program) < len(RESOURCES))
    @rule(name=PICK, email=PICK, values=PICK, spelling=st.booleans(), adopt=st.booleans(), is_known=st.booleans())
    def declare(self, name: int, email: int, values: int, spelling: bool, adopt: bool, is_known: bool) -> None:
        found = one_of((each for each in RESOURCES if each not in self.program), name)
        if found in self.stack.state:  # it was taken out of the program, and no run has seen that yet
            arguments = self.left_out[found]
            self.program[found] = {**arguments, self.identity: self._email_for(found, arguments[self.identity])}
            return
        used = self._used()
        free = [each for each in EMAILS if each not in used]
        if not free:
            return
        having = {self.world.email(record) for record in self.world.accounts.values()}
        free = [each for each in free if (each in having) is is_known] or free
        self.given[found] += 1
        required = {each.name: one_of(each.values, values) for each in self.accounts_of.arguments if each.required}
        once = {key: value or f"{found}-{self.given[found]}" for key, value in self.accounts_of.given_once.items()}
        self.program[found] = {self.identity: _spelt(one_of(free, email), spelling), **required, **once}
        if adopt:
            self.program[found]["on_existing"] = "adopt"

    @precondition(lambda self: self.program)
    @rule(
        what=st.sampled_from(("value", "value", "none", "email", "policy")),
        name=PICK,
        which=PICK,
        value=PICK,
    )
    def change(self, what: str, name: int, which: int, value: int) -> None:
        arguments = self.program[one_of(self.program, name)]
        optional = [each.name for each in self.accounts_of.arguments if not each.required and each.name in arguments]
        if what == "value":
            item = one_of(self.accounts_of.arguments, which)
            arguments[item.name] = one_of(item.values, value)
        elif what == "none" and optional:
            del arguments[one_of(optional, which)]
        elif what == "email":
            free = [_fold(arguments[self.identity]), *self._free_emails()]
            arguments[self.identity] = _spelt(one_of(free, which), value % 2 == 0)
        elif what == "policy" and which % 2:
            arguments["on_destroy"] = one_of(self.accounts_of.on_destroy, value)
        elif what == "policy":
            arguments["on_existing"] = one_of(("adopt", "fail"), value)

    # The engine calls no delete for a resource that it was about to make again, and drops it from its state.
    @precondition(lambda self: self.program.keys() - self.stack.recreated)
    @rule(name=PICK)
    def leave_out(self, name: int) -> None:
        self._leave_out(one_of((each for each in self.program if each not in self.stack.recreated), name))

    def _email_for(self, name: str, wanted: str) -> str:
        """That e-mail if it is nobody else's, or the one that the resource has."""
        own = self.program.get(name, self.stack.state[name].inputs)[self.identity]
        return wanted if _fold(wanted) in (_fold(own), *self._free_emails()) else str(own)

    def _leave_out(self, name: str) -> None:
        self.left_out[name] = self.program.pop(name)

    @precondition(lambda self: self.stack.failures and self.program != self.settled)
    @rule()
    def take_back(self) -> None:
        """Somebody undoes what did not work."""
        for name in RESOURCES:
            was, now = self.settled.get(name), self.program.get(name)
            if was is not None and name in self.stack.state:
                once = {key: (now or self.left_out[name])[key] for key in self.accounts_of.given_once}
                self.program[name] = {**was, **once, self.identity: self._email_for(name, was[self.identity])}
            elif was is None and now is not None and name not in self.stack.state:
                self._leave_out(name)

    @precondition(lambda self: self.program and self.accounts_of.passwords)
    @rule(name=PICK, password=PICK)
    def change_password(self, name: int, password: int) -> None:
        # One at a time: each costs milliseconds in every run.
        for arguments in self.program.values():
            arguments.pop("password", None)
        self.program[one_of(self.program, name)]["password"] = one_of((*self.accounts_of.passwords, None), password)

    # --- people's hands -----------------------------------------------------------------------

    @precondition(lambda self: self.world.store.count(self.vendor))
    @rule(
        what=st.sampled_from(("edit", "edit", "switch", "switch", "email", "delete", "make")),
        account=PICK,
        which=PICK,
        value=PICK,
    )
    def change_by_hand(self, what: str, account: int, which: int, value: int) -> None:
        found = one_of(self.world.accounts, account)
        record = self.world.accounts[found]
        free = self._free_emails()
        if what == "edit":
            choices = self._choices(found)
            keys = [one_of(choices, which + number) for number in range(3)]
            self._set_by_hand(found, {key: one_of(choices[key], value) for key in keys})
        elif what == "switch":
            key, (inactive, active) = self.accounts_of.active_key, self.accounts_of.is_active
            self._set_by_hand(found, {key: inactive if record[key] == active else active})
        elif what == "email" and free:
            self._set_by_hand(found, {self.email_key: one_of(free, which)})
            if not self._owner(found):  # who has another e-mail is somebody else
                self._lend(found)
                self._leave_alone(found)
        elif what == "delete":
            keeps_email = self.unique_emails and STAND_INS[self.vendor].KEEPS_EMAILS
            self._delete_by_hand(found, reserve=keeps_email and value % 2 == 1)

        elif what == "make":
            having = {self.world.email(each) for each in self.world.accounts.values()}
            untaken = [each for each in EMAILS if each not in having | self.reserved]
            is_twin = not self.unique_emails and which % 4 == 3
            if untaken or is_twin:
                email = one_of(EMAILS if is_twin else untaken, value)
                self._make_by_hand(_spelt(email, which % 2 == 0), is_active=which % 3 != 2)

    def _choices(self, account: str) -> dict[str, tuple[Any, ...]]:
        """What a person may set: nothing that a program declares and the vendor does not show."""
        choices = dict(self.accounts_of.never_declared)
        for item in self.accounts_of.arguments:
            if item.name != self.accounts_of.active and (item.shown or not self._owner(account)):
                choices[item.key] = ([5, 7, 9], [9]) if item.delta is not None else tuple(map(item.stored, item.values))
        return choices

    def _make_by_hand(self, email: str, *, is_active: bool) -> None:
        self.given["by hand"] += 1
        is_numbered = self.vendor != "tenovos"
        account = str(self.world.store.next_number(self.vendor)) if is_numbered else f"by-hand-{self.given['by hand']}"
        active = self.accounts_of.is_active[is_active]
        self.world.make_by_hand(account, **{self.email_key: email, self.accounts_of.active_key: active})
        self._leave_alone(account)

    @rule()
    def ten_minutes_pass(self) -> None:
        self.clock.jump(600)
        for account, record in self.world.accounts.items():
            if record.get("hidden"):
                self._replace(account, record | {"hidden": 0})

    @precondition(lambda self: self.stack.failures)
    @rule()
    def put_right(self) -> None:
        self._put_right()

    # --- runs ---------------------------------------------------------------------------------

    @precondition(lambda self: self.is_news())
    @rule()
    def up(self) -> None:
        self._up(Weather())

    @precondition(lambda self: self.is_news())
    @rule(seed=SEEDS, share=st.sampled_from((0.01, 0.1, 0.3, 0.5)), is_late=st.booleans())
    def up_in_trouble(self, seed: int, share: float, is_late: bool) -> None:
        self._up(Weather(seed, share, is_late=is_late))

    @precondition(lambda self: self.is_news())
    @rule(
        seed=SEEDS,
        kind=st.sampled_from(("update", "update", "create", "list", "read", "token")),
        share=st.sampled_from((0.5, 0.9)),
        is_taken_back=st.booleans(),
    )
    def up_in_one_kind_of_trouble(self, seed: int, kind: str, share: float, is_taken_back: bool) -> None:
        self._up(Weather(seed, share, kind))
        if self.stack.failures and is_taken_back:
            self.take_back()

    @precondition(lambda self: self.is_news())
    @rule()
    def up_with_a_late_create(self) -> None:
        self._up(Weather(is_late=True))

    @precondition(lambda self: self.is_news())
    @rule(
        seed=SEEDS,
        share=st.sampled_from((0.0, 0.0, 0.1, 0.3)),
        at=st.integers(1, 20),
        after=st.booleans(),
        is_taken_back=st.booleans(),
    )
    def up_that_is_killed(self, seed: int, share: float, at: int, after: bool, is_taken_back: bool) -> None:
        self._up(Weather(seed, share, kill_at=at, is_killed_after=after))
        if self.stack.failures and is_taken_back:
            self.take_back()

    @precondition(lambda self: self.stack.state.keys() & self.program.keys())
    @rule(
        seed=SEEDS,
        share=st.sampled_from((0.0, 0.0, 0.0, 0.1, 0.3)),
        names=PICK,
        is_forced=st.booleans(),
        deletes_first=st.booleans(),
        kill_at=st.integers(-8, 12),
        after=st.booleans(),
    )
    def up_that_replaces(
        self, seed: int, share: float, names: int, is_forced: bool, deletes_first: bool, kill_at: int, after: bool
    ) -> None:
        """For a trigger, or for --replace and a taint: some of the resources, or all of them."""
        there = sorted(self.stack.state.keys() & self.program.keys())
        some = frozenset(there if names % 3 == 2 else [one_of(there, names)])
        replacement = Replacement(some, is_forced, deletes_first)
        self._up(Weather(seed, share, kill_at=max(0, kill_at), is_killed_after=after), replacement)

    # --- other stacks -------------------------------------------------------------------------

    @precondition(lambda self: self._shown())
    @rule(which=PICK, where=st.sampled_from(("project", "stack", "resource", "backend")))
    def declare_elsewhere(self, which: int, where: str) -> None:
        """Another owner declares an account: in another project, stack or backend, or under another name.

        A resource of the same name in a stack of the same name is told from a create that the engine forgot: the
        engine has shown that it knows the account.
        """
        name = one_of(self._shown(), which)
        account, before = self.stack.state[name].id, self.world.accounts
        other = Stack(self.world, name=self.stack.name, project=self.stack.project)
        other.project += "-2" if where == "project" else ""
        other.name += "-2" if where == "stack" else ""
        asked = f"{name}-2" if where == "resource" else name
        arguments = {**self._arguments(name), self.identity: self._email_of(account), "on_existing": "fail"}
        assert not self._in_time(partial(other.up, {asked: arguments})), f"{account} is in two states"
        error = other.failures[asked]
        if not (oracle.is_on_its_way(error) and self._may_be_on_its_way(_fold(arguments[self.identity]))):
            assert isinstance(error, AccountExists), error
            assert error.existing == account, f"{error}: {error.existing}"
        assert without_bookkeeping(self.world.accounts) == without_bookkeeping(before)
        self.world.trail.clear()
        self.world.warnings.clear()

    def _shown(self) -> list[str]:
        """Resources whose accounts any other resource must be refused: the engine has shown that it knows them."""
        emails = Counter(self.world.email(record) for record in self.world.accounts.values())
        return [
            name
            for name, each in self.stack.state.items()
            if each.id in self.stack.shown and self._is_plain(each, emails) and name in self.program | self.left_out
        ]

    def _is_plain(self, resource: Resource, emails: Mapping[str, int]) -> bool:
        """Whether nothing is in doubt about a resource's account: it is active, and the only one with its e-mail."""
        record, email = self.world.accounts.get(resource.id), _fold(resource.inputs[self.identity])
        if record is None or self.world.is_retired(record) or record.get("hidden"):
            return False
        return email == self.world.email(record) and emails[email] == 1

    def _arguments(self, name: str) -> dict[str, Any]:
        arguments = self.program.get(name) or self.left_out[name]
        return {key: value for key, value in arguments.items() if key != "password"}

    @rule(number=PICK, is_taken=st.booleans())
    def rename_stack(self, number: int, is_taken: bool) -> None:
        """`pulumi stack rename`; another stack may take the old name, with resources of the same names."""
        old = self.stack.name
        self.given["stack"] += 1
        self.stack.name = f"stack-{self.given['stack']}"
        self.is_settled = False
        # What the engine forgot was made for a stack that is no more.
        self.owed = {account: (email, owner and "of the old stack") for account, (email, owner) in self.owed.items()}
        self.lent = {account: (email, owner and "of the old stack") for account, (email, owner) in self.lent.items()}
        if is_taken and self.program:
            self._take_the_name(old, one_of(self.program, number), number)

    def _take_the_name(self, stack: str, name: str, number: int) -> None:
        """Another stack of this name makes an account, which is from now on left alone as one that a person made."""
        free = [each for each in self._free_emails() if each not in self.left]
        if not free:
            return
        once = dict.fromkeys(self.accounts_of.given_once, f"{stack}-{name}-{number}")
        other = Stack(self.world, name=stack, project=self.stack.project)
        arguments = {**self._arguments(name), **once, self.identity: one_of(free, number), "on_existing": "fail"}
        before = self.world.accounts.keys()
        self._in_time(partial(other.up, {name: arguments}))
        for account in self.world.accounts.keys() - before:
            self._leave_alone(account)
        self.stack.neighbours.append(other)
        self.world.trail.clear()
        self.world.warnings.clear()

    @precondition(lambda self: self.is_news())
    @rule(at=st.integers(1, 12))
    def up_while_tokens_expire(self, at: int) -> None:
        self._up(Weather(expire_at=at))

    @precondition(lambda self: self.stack.state)
    @rule()
    def refresh(self) -> None:
        self._refresh(Weather())

    @precondition(lambda self: self.stack.state)
    @rule(
        seed=SEEDS,
        share=st.sampled_from((0.0, 0.1, 0.3, 0.5)),
        expire_at=st.integers(0, 4),
        kill_at=st.integers(0, 6),
    )
    def refresh_in_trouble(self, seed: int, share: float, expire_at: int, kill_at: int) -> None:
        self._refresh(Weather(seed, share, expire_at=expire_at, kill_at=max(0, kill_at - 2)))

    # --- how it is done -----------------------------------------------------------------------

    def is_news(self) -> bool:
        """Whether a run would find something to do."""
        return not self.is_settled or self.program != self.settled

    def _used(self) -> set[str]:
        """E-mails that the program says, the state knows, or accounts in the state have."""
        known = self._known()
        return (
            {_fold(arguments[self.identity]) for arguments in self.program.values()}
            | {_fold(resource.inputs[self.identity]) for resource in self.stack.state.values()}
            | {self.world.email(record) for account, record in self.world.accounts.items() if account in known}
        )

    def _known(self) -> set[str]:
        """Accounts in the state, those of resources that were replaced and await their delete among them."""
        return {resource.id for resource in (*self.stack.state.values(), *self.stack.pending)}

    def _free_emails(self) -> list[str]:
        """E-mails that nobody has or is about to have."""
        taken = {self.world.email(record) for record in self.world.accounts.values()}
        taken |= self._used() | self.reserved
        return [each for each in EMAILS if each not in taken]

    def _owner(self, account: str) -> str:
        """The resource whose account this is."""
        return next((name for name, each in self.stack.state.items() if each.id == account), "")

    def _email_of(self, account: str) -> str:
        record = self.world.accounts.get(account)
        return "" if record is None else self.world.email(record)

    def _replace(self, account: str, record: Record) -> None:
        self.world.store.replace(self.vendor, account, record[self.email_key], record)

    def _set_by_hand(self, account: str, fields: Record) -> None:
        if self.email_key in fields and self.world.door.journal.why_unconfirmed(account) is Unconfirmed.UNSEEN:
            self.unproven.add(account)
        record = self.world.change_by_hand(account, fields)
        if self._owner(account):
            self.drifted.add(account)
        is_owed_again = account in self.owed and (self.owed[account][1] or self.world.is_retired(record))
        if account in self.world.by_hand or (account in self.owed and not is_owed_again):
            self._leave_alone(account)
        if is_owed_again:
            self.world.by_hand.pop(account, None)

    def _lend(self, account: str) -> None:
        """The account is not owed any more, unless its e-mail is put back."""
        if account in self.owed:
            self.lent[account] = self.owed.pop(account)

    def _leave_alone(self, account: str) -> None:
        """From now on the account is nobody's but that person's."""
        record = self.world.accounts[account]
        own = {"username": f"by-hand-{account}", "hidden": 0} if self.vendor == "tenovos" else {}
        self._replace(account, record | own)
        self.world.by_hand[account] = record | own

    def _delete_by_hand(self, account: str, *, reserve: bool = False) -> None:
        if reserve:
            self.reserved.add(self._email_of(account))
        self.world.store.remove(self.vendor, account, reserve=reserve)
        self.world.by_hand.pop(account, None)
        self.owed.pop(account, None)
        self.lent.pop(account, None)
        if self._owner(account):
            self.drifted.add(account)

    def _in_time(self, work: Callable[[], Awaitable[T]]) -> T:
        return trio.run(work, clock=self.clock)  # before anyio 4.13 its own `run` takes no clock

    def _up(self, weather: Weather, replacement: Replacement = NONE) -> None:
        work = partial(self.stack.up, self.program, replacement)
        self._run(weather, work, is_up=True, replaced=replacement.names | self.stack.recreated)

    def _refresh(self, weather: Weather) -> None:
        if self._run(weather, self.stack.refresh, is_up=False):
            self.drifted.clear()

    def _begun(self, weather: Weather, *, is_up: bool = True, replaced: Iterable[str] = ()) -> "Run":
        """A run that is about to begin."""
        stack, program = self.stack, dict(self.program) if is_up else {}
        known, pending = dict(stack.state), [*stack.pending]
        run = Run(weather, is_up, program, self.world.accounts, known, pending, {*replaced}, self.identity)
        run.licensed = self._licensed(run)
        return run

    def _run(
        self,
        weather: Weather,
        work: Callable[[], Awaitable[bool]],
        *,
        is_up: bool,
        replaced: Iterable[str] = (),
    ) -> bool:
        """One run of the engine, and everything that is asked after it."""
        world = self.world
        run = self._begun(weather, is_up=is_up, replaced=replaced)
        weather.store, weather.vendor = world.store, self.vendor
        world.hazard, world.door._jitter = weather, random.Random(weather.seed)
        self.patches.setattr("trio._core._run._r", random.Random(weather.seed))  # tasks take turns by it
        is_done = self._in_time(work)
        world.hazard = lambda kind: None
        for request in weather.late:
            self._in_time(partial(world.arrive, request))
        run.after = world.accounts
        self._follow(run)
        self._ask(run)
        if is_done and is_up:
            self._ask_whether_it_is_as_declared()
        self.is_settled = is_done and is_up
        if self.is_settled:
            self.settled = {name: dict(each) for name, each in self.program.items()}
        world.trail.clear()
        world.warnings.clear()
        return is_done

    def _licensed(self, run: "Run") -> set[str]:
        """Accounts that people made and that this run may take over."""
        # Tenovos' search lags. Of two accounts with the e-mail of a create whose outcome is not known, the other
        # of which a person made, it may show that person's only; nothing that can be read tells them apart.
        shown = [record for record in run.before.values() if not record.get("hidden")]
        by_email = Counter(self.world.email(record) for record in shown)
        wanted = {
            email
            for name, email in run.to_be_made()
            if by_email[email] == 1 and (run.program[name].get("on_existing") == "adopt" or email in self.intents)
        }
        return {
            account
            for account in self.world.by_hand
            if self.world.email(run.before[account]) in wanted or self._was_put_back(run, account)
        }

    def _was_put_back(self, run: "Run", account: str) -> bool:
        """Whether people took an account from who is owed it, and put it back as it was."""
        email, owner = self.lent.get(account, ("", ""))
        record = run.before[account]
        wanting = [name for name, wanted in run.to_be_made() if wanted == email == self.world.email(record)]
        return owner in wanting if owner else bool(wanting) and self.world.is_retired(record)

    def _follow(self, run: "Run") -> None:
        """Note what has become of the accounts."""
        known = self._known()
        before = {old.id: old for old in (*run.pending, *run.known.values())}  # which has the e-mail as it was last
        for old in before.values():
            if old.id in run.after and old.id not in known:
                if run.is_retained(old):
                    self._leave_alone(old.id)
                else:
                    self.owed[old.id] = _fold(old.outs[self.identity]), ""
                    if self._email_of(old.id) != _fold(old.outs[self.identity]):  # somebody changed it before
                        self._lend(old.id)
                        self._leave_alone(old.id)
        for account, record in run.after.items():
            if account in known:
                assert account in run.licensed or account not in self.world.by_hand, f"P12: {account} was taken over"
                self.owed.pop(account, None)
                self.lent.pop(account, None)
                self.world.by_hand.pop(account, None)
            elif account in run.licensed:
                self.world.by_hand[account] = record
                if account in self.lent and self._was_brought_back(run, account):
                    self.lent[account] = self.world.email(record), self._for_whom(run, record)
            elif account not in run.before or (account in self.owed and self._was_brought_back(run, account)):
                email, name = self.world.email(record), self._for_whom(run, record)
                is_told = "" in self.stack.failures or name in self.stack.failures
                assert is_told, f"P2: {name} was made, and nobody knows of it"
                self.owed[account] = email, name
        self.owed = {account: owed for account, owed in self.owed.items() if account in run.after}
        self._note_what_was_tried(run)

    def _note_what_was_tried(self, run: "Run") -> None:
        leaving = [each for name, each in run.known.items() if run.is_up and name not in run.program]
        staying = {each.id for name, each in run.known.items() if name in run.program}
        leaving += [each for each in run.pending if run.is_up and each.id not in staying]
        self.leaving |= {each.id for each in leaving if not is_retained(each)}
        there = {self.world.email(record) for record in run.before.values()}
        retired = {email for email, owner in self.owed.values() if not owner}
        is_killed = "" in self.stack.failures
        maybe = {_fold(sent.body[self.email_key]) for sent in self.world.trail if _is_unclear(sent)}
        maybe |= {email for _, email in run.to_be_made() if email in retired or (is_killed and email not in there)}
        # Of a resource that is replaced, the state may have an account that is gone.
        doubtful = self._unproven(self.stack.state)
        found = {
            _fold(each.inputs[self.identity]): name
            for name, each in self.stack.state.items()
            if each.id in run.after and name not in doubtful
        }
        asked = {email: name for name, email in run.to_be_made()}
        unproven = {_fold(run.known[name].inputs[self.identity]): name for name in self._unproven(run.known)}
        asked |= unproven
        maybe |= {email for email, name in unproven.items() if isinstance(self.stack.failures.get(name), VendorBroken)}
        self.intents |= {email: asked.get(email, "") for email in maybe}
        self.intents = {
            email: name
            for email, name in self.intents.items()
            if email not in found or not (found[email] == name or self._was_written(run, found[email], email))
        }
        now = self.clock.current_time()
        self.left |= {email: (now, asked.get(email, "")) for email in maybe}
        # Another resource's account may have got the e-mail; the create may arrive all the same.
        self.left = {email: left for email, left in self.left.items() if found.get(email) != left[1]}

    def _was_written(self, run: "Run", name: str, email: str) -> bool:
        """Whether the run itself gave the resource's account this e-mail, or gave the resource this account."""
        sent = {_fold(str(each.body.get(self.email_key))) for each in self.world.trail if each.kind == "update"}
        old = run.known.get(name)
        return old is None or old.id != self.stack.state[name].id or email in sent

    def _was_brought_back(self, run: "Run", account: str) -> bool:
        """Whether the run reactivated an account."""
        return self.world.is_retired(run.before[account]) and not self.world.is_retired(run.after[account])

    def _for_whom(self, run: "Run", record: Record) -> str:
        """The resource for which the run made, or brought back, an account."""
        return next(name for name, wanted in run.to_be_made() if wanted == self.world.email(record))

    # --- what must be true --------------------------------------------------------------------

    def _ask(self, run: "Run") -> None:
        before, after = (
            Counter(self.world.email(record) for record in table.values()) for table in (run.before, run.after)
        )
        worse = {email for email, count in after.items() if count > max(1, before[email])}
        # Whether a new e-mail of an account that is there is taken is for the vendor to say.
        worse -= {_fold(str(_written(sent.body, self.email_key))) for sent in self.world.trail if sent.kind == "update"}
        assert not worse, f"P1: {worse}"
        if max(after.values(), default=0) <= 1:
            oracle.no_duplicates(self.world)
        oracle.nothing_was_sent_twice(self.world)
        self._ask_whether_none_was_sent_too_early()
        oracle.nobody_waits_for_ever(self.stack)
        oracle.nothing_went_elsewhere(self.world)
        oracle.no_secret_is_told(self.stack)
        oracle.nothing_was_claimed_that_is_not_so(self.stack)
        oracle.strangers_are_left_alone(self.world)
        for account in run.before.keys() & run.after.keys():
            self._ask_whether_the_rest_is_as_it_was(run, account)
        for name in run.replaced & run.known.keys() & run.program.keys():
            self._ask_whether_it_goes_on(run, name)
        for name, error in self.stack.failures.items():
            if name and (run.weather.is_calm or isinstance(error, AccountExists)):
                assert self._is_due(run, name, error), f"{name}: {type(error).__name__}: {error}"
        self._ask_whether_waits_were_kept(run)
        if run.weather.is_calm:
            logins = sum(sent.kind == "token" for sent in self.world.trail)
            assert logins <= (3 if run.weather.expire_at else 1), "P10"

    def _ask_whether_none_was_sent_too_early(self) -> None:
        """P5: no create leaves within five minutes of one whose outcome is not known, by whatever run.

        That of an account that shows by now, which somebody may delete then, is known.
        """
        there = {self.world.email(record) for record in self.world.accounts.values()}
        left = oracle.without_outcome(self.world, self.without_outcome)
        self.without_outcome = {email: at for email, at in left.items() if email not in there}

    def _ask_whether_it_goes_on(self, run: "Run", name: str) -> None:
        """A replaced resource keeps its account, and the account its place."""
        old, new = run.known[name], self.stack.state[name]
        if old.id in run.before:
            assert old.id in run.after, f"{name} was replaced, and its account is deleted"
            assert new.id == old.id, f"{name} was replaced, and has another account"

    def _ask_whether_the_rest_is_as_it_was(self, run: "Run", account: str) -> None:
        """P3: no run changes what is not declared."""
        before, after = run.before[account], run.after[account]
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        if not changed:
            return
        may = set(BOOKKEEPING) if run.is_up else {"hidden"}
        email = self.world.email(before)
        to_be_made = [name for name, wanted in run.to_be_made() if wanted == email]
        for name in [*to_be_made, *(name for name, each in run.known.items() if each.id == account)]:
            arguments = run.program.get(name)
            if arguments is not None:
                may |= {self.email_key, *({"PasswordSalt"} if arguments.get("password") else ())}
                may |= {each.key for each in self.accounts_of.arguments if each.name in arguments}
                self._ask_whether_others_are_in_the_lists(arguments, before, after)
        may_be_taken = account not in self.world.by_hand or account in run.licensed
        if run.is_up and (account in self.leaving or (to_be_made and may_be_taken)):
            may.add(self.accounts_of.active_key)
        assert changed <= may, f"P3: {account}: {changed - may}"

    def _ask_whether_others_are_in_the_lists(self, arguments: Mapping[str, Any], before: Record, after: Record) -> None:
        deltas = [each for each in self.accounts_of.arguments if each.delta is not None]
        for key in {each.key for each in deltas}:
            wanted = {item for each in deltas if each.key == key for item in arguments.get(each.name) or ()}
            assert {*before[key]} ^ {*after[key]} <= wanted, f"P3: {key}"

    def _is_due(self, run: "Run", name: str, error: AccountError) -> bool:
        """Whether a failure has its reason in the vendor's table."""
        if isinstance(error, VendorBroken) and name in self._unproven(run.known):
            return True
        if name not in run.program:
            return False
        email = _fold(run.program[name][self.identity])
        tables = (run.before, run.after)
        having = {
            account: record
            for table in tables
            for account, record in table.items()
            if self.world.email(record) == email
        }
        if oracle.is_on_its_way(error):
            return self._may_be_on_its_way(email)
        old = run.known.get(name)
        if old is None or name in run.made_again():
            others = [account for account, record in having.items() if not self._is_owed(name, account, record)]
            is_adopted = run.program[name].get("on_existing") == "adopt"
            is_taken = email in self.reserved or len(having) > 1 or (bool(others) and not is_adopted)
            return isinstance(error, AccountExists) and (
                is_taken or any(self._has_own_name(run, name, each) for each in tables)
            )
        if old.id not in run.before and isinstance(error, NoSuchAccount):
            return True
        return email in self.reserved or bool(having.keys() - {old.id})

    def _unproven(self, resources: Mapping[str, Resource]) -> list[str]:
        """The resources whose account may be another one than was created."""
        return [
            name
            for name, each in resources.items()
            if each.id in self.unproven and self._email_of(each.id) not in ("", _fold(each.inputs[self.identity]))
        ]

    def _may_be_on_its_way(self, email: str) -> bool:
        """Whether a create of this e-mail without a known outcome left so lately that it may still arrive."""
        return email in self.left and self.clock.current_time() - self.left[email][0] < CREATE_IN_FLIGHT_S

    def _has_own_name(self, run: "Run", name: str, table: Mapping[str, Record]) -> bool:
        """Whether somebody has what only one account can have, besides the e-mail."""
        arguments = run.program[name]
        return any(
            record[key] == arguments[key] and self.world.email(record) != _fold(arguments[self.identity])
            for key in self.accounts_of.given_once
            for record in table.values()
        )

    def _is_owed(self, name: str, account: str, record: Record) -> bool:
        """Whether an account is one that seatwise must give to this resource."""
        email, owner = self.owed.get(account, (None, ""))
        is_own = owner == name if owner else self.world.is_retired(record)
        return email == self.world.email(record) and is_own

    def _ask_whether_waits_were_kept(self, run: "Run") -> None:
        """P9: nobody comes back before the time that the vendor gave."""
        until = [
            (sent.at, sent.at + float(sent.answer.headers["retry-after"]))
            for sent in self.world.trail
            if sent.answer is not None and "retry-after" in sent.answer.headers
        ]
        early = [sent for sent in self.world.trail for told, end in until if told < sent.at < end]
        assert not early, "P9"

    def _ask_whether_it_is_as_declared(self) -> None:
        for name, resource in self.stack.state.items():
            if resource.id in self.drifted or self.world.diff(resource.outs, resource.inputs):
                continue
            self._ask_whether_one_is_as_declared(name)

    def _ask_whether_one_is_as_declared(self, name: str) -> None:
        account, arguments = self.stack.state[name].id, self.program[name]
        record = self.world.accounts[account]
        assert self.world.email(record) == _fold(arguments[self.identity])
        for item in self.accounts_of.arguments:
            if arguments.get(item.name) is not None:
                assert item.is_so(arguments[item.name], record), f"{name}: {item.name} is {record.get(item.key)!r}"

    # --- the end ------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        try:
            if sys.exc_info()[0] is None:
                self._come_to_an_end()
        finally:
            self._in_time(partial(self.world.__aexit__, None, None, None))
            shutil.rmtree(self.folder)
            self.patches.undo()

    def _come_to_an_end(self) -> None:
        """The faults are over, people put right what only they can, and everything ends as declared."""
        if self.drifted:
            self._refresh(Weather())
        self._put_right()
        world = self.world
        run = self._begun(Weather(), replaced=self.stack.recreated)
        retained = [each.id for name, each in run.known.items() if name not in self.program and run.is_retained(each)]
        world.by_hand |= {account: run.before[account] for account in retained}
        self._in_time(partial(oracle.converges, self.stack, self.program))
        run.after = world.accounts
        self._follow(run)
        oracle.strangers_are_left_alone(world)
        for account in run.before.keys() & run.after.keys():
            self._ask_whether_the_rest_is_as_it_was(run, account)
        for name in self.program:
            self._ask_whether_one_is_as_declared(name)

    def _put_right(self) -> None:
        """What a person does who reads the messages."""
        for name in self._unproven(self.stack.state):
            self._leave_alone(self.stack.state.pop(name).id)
        for account, (email, owner) in list(self.owed.items()):
            declared = self.program.get(owner)
            if owner and (declared is None or owner in self.stack.state or _fold(declared[self.identity]) != email):
                self._delete_by_hand(account)  # made for a resource that nobody wants any more
        for number, name in enumerate(list(self.program)):
            self._clear_the_way(name, adopts=number % 2 == 0)
        known = self._known()
        emails = Counter(self.world.email(record) for record in self.world.accounts.values())
        for account, record in self.world.accounts.items():
            email = self.world.email(record)
            if emails[email] > 1 and account not in known:
                self._delete_by_hand(account)
                emails[email] -= 1

    def _clear_the_way(self, name: str, *, adopts: bool) -> None:
        email = _fold(self.program[name][self.identity])
        known = {resource.id: owner for owner, resource in self.stack.state.items()}
        having = {a: record for a, record in self.world.accounts.items() if self.world.email(record) == email}
        others = [a for a, record in having.items() if a not in known and not self._is_owed(name, a, record)]
        for item in self.accounts_of.given_once:
            if name not in self.stack.state and any(
                record[item] == self.program[name][item] and not self._is_owed(name, account, record)
                for account, record in self.world.accounts.items()
            ):
                self.program[name][item] += "-again"
        here = self._email_of(self.stack.state[name].id) if name in self.stack.state else ""
        if here not in ("", email) and (others or email in self.reserved):
            self.program[name][self.identity] = here
        elif name not in self.stack.state and email in self.reserved:
            del self.program[name]
        elif name not in self.stack.state and len(having) == len(others) == 1 and adopts:
            self.program[name]["on_existing"] = "adopt"
        elif name not in self.stack.state:
            for account in others:
                self._delete_by_hand(account)


@dataclass
class Run:
    """One run: the program (nothing in a refresh), the vendor's table before and after, the state before.

    `replaced` are the resources that the engine makes anew.
    """

    weather: Weather
    is_up: bool
    program: dict[str, dict[str, Any]]
    before: dict[str, Record]
    known: dict[str, Resource]
    pending: list[Resource]
    """Old resources of replacements that were interrupted."""
    replaced: set[str]
    identity: str
    """The argument by which accounts are told apart."""
    after: dict[str, Record] = field(default_factory=dict)
    licensed: set[str] = field(default_factory=set)
    """Accounts that people made and that this run may take over."""

    def is_retained(self, resource: Resource) -> bool:
        """Whether an account is left as it is when its resource goes, and all that was kept of it."""
        return all(is_retained(each) for each in (resource, *self.pending) if each.id == resource.id)

    def made_again(self) -> set[str]:
        """The resources that are replaced and whose accounts are gone."""
        return {name for name in self.replaced & self.known.keys() if self.known[name].id not in self.before}

    def to_be_made(self) -> Iterator[tuple[str, str]]:
        """The resources that the engine does not know yet, with their e-mails."""
        for name, arguments in self.program.items():
            if name not in self.known or name in self.made_again():
                yield name, _fold(arguments[self.identity])


def without_bookkeeping(table: Mapping[str, Record]) -> dict[str, Record]:
    """The records of a table without what the vendor changes by itself."""
    return {
        account: {key: value for key, value in record.items() if key not in BOOKKEEPING}
        for account, record in table.items()
    }


def _is_unclear(sent: Sent) -> bool:
    """Whether a create may have been carried out."""
    is_refused = sent.answer is not None and 300 <= sent.answer.status_code < 500
    return sent.kind == "create" and sent.arrived and not is_refused


def _fold(email: str) -> str:
    return mailbox(email)


def _spelt(email: str, in_capitals: bool) -> str:
    return email.upper() if in_capitals else email


# --- how many ---------------------------------------------------------------------------------

IS_SOAK = bool(os.environ.get("SEATWISE_SOAK"))
SHARDS = 4
"""Parts of a vendor's soak, so that several processes share it."""
USUAL = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],  # a step is a whole run: it is slow while the machine is busy
    derandomize=True,
    database=None,
    print_blob=True,
)
SOAK = settings(USUAL, max_examples=834, derandomize=False, database=DirectoryBasedExampleDatabase(".hypothesis"))


def _seed() -> int:
    """A seed that all processes of this run have in common."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or os.urandom(8).hex()
    return int(os.environ.get("SEATWISE_SEED") or zlib.crc32(run.encode()))


def _machine(vendor: str) -> type[Histories]:
    return type(f"HistoriesOf{vendor.title()}", (Histories,), {"vendor": vendor})


def _told() -> list[tuple[str, float, str]]:
    """What left, when, and what came of it, in a history with many requests at the same time."""
    told: list[tuple[str, float, str]] = []

    class Told(Histories):
        vendor = "nexudus"

        def _ask(self, run: "Run") -> None:
            told.extend((sent.kind, sent.at, str(sent.answer)) for sent in self.world.trail)
            super()._ask(run)

    state = Told()
    state.begin(unique_emails=True, checkpoints=True, quirk=0, people=4, strangers=2)
    for number in range(4):
        state.change("value", number, 0, number)
        state.up_in_trouble(number, 0.3, is_late=False)
        state.ten_minutes_pass()
        state.change_by_hand("edit", number, 0, number)
        state.refresh()
    state.teardown()
    return told


def test_a_history_happens_again_in_the_same_way() -> None:
    assert _told() == _told()


if IS_SOAK:
    SEED = _seed()

    @pytest.mark.parametrize("shard", range(SHARDS), ids=lambda shard: f"SEATWISE_SEED={SEED}-{shard}")
    @pytest.mark.parametrize("vendor", names())
    def test_ten_thousand_histories(vendor: str, shard: int) -> None:
        run_state_machine_as_test(seed(SEED + shard)(_machine(vendor)), settings=SOAK)

else:

    @pytest.mark.parametrize("vendor", by_vendor())
    def test_histories(vendor: str) -> None:
        run_state_machine_as_test(_machine(vendor), settings=USUAL)
