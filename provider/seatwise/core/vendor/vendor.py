"""What seatwise asks of a vendor. One file in `seatwise.vendors` answers all of it, without any I/O.

In order: what the vendor is (class attributes), how to log in, what to ask (requests), and what an
answer means. Most have a default that fits a plain JSON API; a vendor says only where it deviates.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from . import errors
from .fields import Problem, Schema, Values
from .http import Answer, Request, retry_after
from .secrets import Known
from .text import module_name, printable

LONGEST_QUOTE = 200  # characters of the vendor's own words in a message
NOTHING_SECRET = Known()


@dataclass(frozen=True)
class Limit:
    """At most `requests` in any `seconds`; `writes` says that only writing requests count."""

    requests: int
    seconds: float
    writes: bool = False


@dataclass(frozen=True)
class Token:
    """What a login gave: headers for every request, and how long they are good.

    `expires_in` is seconds from now, `expires_at` seconds since the epoch; neither: for ever.
    """

    headers: Mapping[str, str] = field(repr=False)
    expires_in: float | None = None
    expires_at: float | None = None
    refresh: Any = field(default=None, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether each header has a credential in it."""
        return all(value.rpartition(" ")[2] for value in self.headers.values())

    def secrets(self) -> Iterator[str]:
        """Every credential in it, to be blanked in messages; a scheme such as `Bearer` is none."""
        refresh = self.refresh.values() if isinstance(self.refresh, Mapping) else [self.refresh]
        for value in (*self.headers.values(), *refresh):
            if isinstance(value, str):
                yield value.rpartition(" ")[2]


@dataclass(frozen=True)
class Listing:
    """One page of accounts, and whether another follows.

    `pages` and `total` are how many pages and accounts there are, where the vendor says so.
    """

    records: Sequence[Mapping[str, Any]]
    more: bool = False
    pages: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Named:
    """What programs look up by name: an office, a role, a group. Its classes say the type of the id."""

    id: Any
    """The vendor's id."""
    name: str
    """The name that people know."""


N = TypeVar("N", bound=Named)
N_co = TypeVar("N_co", bound=Named, covariant=True)


class Before(Protocol):
    """What the engine's state says of an account before a write."""

    @property
    def values(self) -> Values:
        """The account's values by field name."""

    @property
    def declared_names(self) -> tuple[str, ...] | None:
        """The names of the arguments that the program gave."""

    @property
    def adopted(self) -> bool:
        """Whether the account existed before."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Paged:
    """A list in pages."""

    ask: Callable[[int], Request]
    """The request for one page, from 1."""
    read: Callable[[Answer], Listing | None]
    """The page in the answer; None when it cannot be read."""
    about: str = ""
    """What errors name: an e-mail, or what is listed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NameList(Paged, Generic[N_co]):
    """One of a vendor's lists in which programs look up names."""

    one: str
    """What one of them is called in messages, such as "office"; `about` is the same for many."""
    kind: type[N_co]
    """The dataclass of one of them."""
    keys: Mapping[str, tuple[str, ...]]
    """For each of its fields the keys that a record may have it under, the likeliest first."""
    twice: str = "Give its id instead"
    """The remedy where several have one name."""
    lacking: Callable[[Any], str] = lambda settings: ""
    """The way out where a tenant with these settings has no such list; empty where it has one."""


class Vendor(ABC):
    """One vendor as one tenant's settings make it: builds requests and reads answers, sends nothing."""

    name: ClassVar[str]
    """The vendor's key: its file, its settings' prefix, its place in type tokens."""
    title: ClassVar[str]
    """The vendor's name in messages."""
    schema: ClassVar[Schema]
    settings_type: ClassVar[type[Any]]
    limits: ClassVar[tuple[Limit, ...]] = ()
    can_delete: ClassVar[bool] = False
    replaces: ClassVar[bool] = False
    """Whether an update replaces the whole record, so that it must be read and merged first."""
    deactivation: ClassVar[Mapping[str, Any]]
    """The argument values that deactivate an account."""
    reactivation: ClassVar[Mapping[str, Any]]
    """The argument values that take that back."""
    lists_whole_records: ClassVar[bool] = True
    """Whether `find` gives records as complete as `read` does."""
    tells_ids: ClassVar[bool] = True
    """Whether the answer to a create holds the id."""
    finds_by_email: ClassVar[bool] = True
    """Whether `find` with an e-mail costs one request, and not the whole list."""
    name_fields: ClassVar[tuple[str, ...]] = ("first_name", "last_name")
    """The fields that are a person's name."""
    role_field: ClassVar[str] = "roles"
    """The field that says what roles an account has."""
    version: ClassVar[str | None] = None
    """The output that changes whenever the account does, where lists show it."""
    remembered: ClassVar[tuple[str, ...]] = ()
    """Outputs that a later look needs beside what is declared."""
    lists: ClassVar[Mapping[str, NameList[Any]]] = MappingProxyType({})
    """What else a tenant has that can be looked up by name, such as `offices`."""
    described: ClassVar[Mapping[str, tuple[str, ...]]] = {
        name: (name,) for name in ("email", "first_name", "last_name", "phone")
    }
    """Arguments that the description of a `Person` gives, where the schema has them, each with the parts that make
    it (with spaces between): `name` (the resource's), `email`, `first_name`, `last_name`, `phone`."""
    way_to_list: ClassVar[str] = ""
    """The remedy where `has_list` is false."""
    example: ClassVar[Values]
    """Arguments of a typical account, for the documentation and the conformance tests."""
    example_change: ClassVar[Values]
    """Other values for some of the example's arguments, such as an update can bring about."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if Vendor in cls.__bases__:
            cls.name, cls.title = module_name(cls), vars(cls).get("title", cls.__name__)

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @property
    def paced_by(self) -> tuple[Limit, ...]:
        """The limits that requests are kept under: the documented ones, unless the settings say others."""
        own = self.settings.requests_per_minute
        if own is None:
            return self.limits
        return (Limit(own, 60),) if own else ()

    @property
    def way_to_log_in(self) -> str:
        """The remedy where the vendor refuses the credentials or what they may do."""
        return f"Check {self.settings.credential_names}, and what it is allowed to do"

    @property
    def has_list(self) -> bool:
        """Whether `find` without an e-mail is documented to give all accounts."""
        return True

    # --- what can be declared -----------------------------------------------------------------

    @classmethod
    def rules(cls, values: Values, given: frozenset[str]) -> Iterable[Problem]:
        """What is wrong with fields together; `given` holds the unknown ones as well."""
        return ()

    # --- login --------------------------------------------------------------------------------

    @abstractmethod
    def token(self) -> Token | None:
        """The token that needs no login; None when `login` must be asked for one."""

    def request_login(self, refresh: Any) -> Request:
        """The request for a new token; `refresh` is the last token's, or None for a fresh login."""
        raise NotImplementedError(f"{self.title} has no login")

    def parse_token(self, answer: Answer) -> Token:
        """The token in the answer to `login`."""
        raise NotImplementedError(f"{self.title} has no login")

    # --- requests -----------------------------------------------------------------------------

    @abstractmethod
    def request_create(self, values: Values) -> Request:
        """Make an account."""

    @abstractmethod
    def request_read(self, account: str) -> Request:
        """Read one account by its id, in full."""

    @abstractmethod
    def request_page(self, email: str | None, page: int) -> Request:
        """One page (from 1) of a list in which the account with that e-mail must be; None: all accounts."""

    def request_inactive_page(self, page: int) -> Request | None:
        """One page (from 1) of the inactive accounts, which `find` may hide; None where no such list may be asked for.

        It is believed where only inactive accounts are in it.
        """
        return None

    @abstractmethod
    def request_update(self, account: str, changes: Values, record: Mapping[str, Any] | None) -> Request:
        """Change an account; `record` is its fresh record where `replaces` is true."""

    def request_delete(self, account: str) -> Request:
        """Delete an account for good, where `can_delete` is true."""
        raise NotImplementedError(f"{self.title} cannot delete")

    # --- answers ------------------------------------------------------------------------------

    @abstractmethod
    def parse_record(self, answer: Answer) -> Mapping[str, Any] | None:
        """The account in the answer to `read` or `update`; None when there is none."""

    @abstractmethod
    def parse_id(self, record: Mapping[str, Any]) -> str | None:
        """The id in a record."""

    def parse_email(self, record: Mapping[str, Any]) -> str:
        """The e-mail in a record."""
        email = self.schema.raw(record, "email")
        return email if isinstance(email, str) else ""

    @abstractmethod
    def parse_created_id(self, answer: Answer) -> str | None:
        """The id in the answer to `create`; None when it does not say."""

    @abstractmethod
    def parse_page(self, answer: Answer) -> Listing | None:
        """The accounts in the answer to `find`; None when it cannot be read."""

    def is_success(self, answer: Answer) -> bool:
        """Whether a writing request was carried out."""
        return answer.ok

    def is_confirmed(self, answer: Answer) -> bool:
        """Whether the answer itself says that a writing request was carried out."""
        return self.parse_record(answer) is not None

    def is_missing(self, answer: Answer) -> bool:
        """Whether the answer says that the account is not there."""
        return answer.status in (404, 410)

    def is_taken(self, answer: Answer) -> bool:
        """Whether a create was refused because the e-mail is taken."""
        return answer.status == 409

    def is_deactivated(self, record: Mapping[str, Any]) -> bool:
        """Whether the account in a record is deactivated."""
        actual = self.schema.parse(record)
        return all(actual.get(name) == value for name, value in self.deactivation.items())

    def deactivates(self, changes: Values) -> bool:
        """Whether these changes deactivate an account."""
        return all(changes.get(name) == value for name, value in self.deactivation.items())

    def is_throttled(self, answer: Answer) -> bool:
        """Whether the request was turned away unprocessed and may be sent again later."""
        return answer.status == 429 or (answer.status == 503 and retry_after(answer.headers) is not None)

    def parse_message(self, answer: Answer) -> str:
        """The vendor's own words in an answer, from the places where it puts messages."""
        parts = [answer.object.get(key) for key in ("message", "Message", "error_description", "error", "detail")]
        return next((part for part in parts if isinstance(part, str) and part), "")

    def to_program_values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values that were read, as a program would write them."""
        return values

    def reconcile_outputs(self, outs: dict[str, Any], declared: Values, before: Values) -> None:  # noqa: B027
        """Adjust outputs where the vendor returns too little to compare them with what is declared.

        `before` are the outputs of an earlier look, empty right after a write.
        """

    def denies_write(self, changes: Values, before: Before, after: Values) -> bool:
        """Return whether a read after a write shows that it was not made, for fields that are normalized by the vendor.

        `before` is the engine's state before the write, `after` are the values that a record shows.
        """
        return False

    def refusal(self, answer: Answer, operation: str, account: str, known: Known = NOTHING_SECRET) -> errors.Refused:
        """The error for an answer that says no, which quotes the vendor without the secrets that are `known`."""
        kind = _kind(answer.status)
        if self.is_throttled(answer):
            kind = errors.RateLimited
        elif operation == "create" and self.is_taken(answer):
            kind = errors.AccountExists
        elif operation not in ("look-up", "create") and self.is_missing(answer):
            kind = errors.NoSuchAccount
        words = quote(known.blanked(self.parse_message(answer), is_quoted=True))
        problem = f"{operation} refused with {answer.status}" + (f": {words}" if words else "")
        remedy = self.way_to_log_in if kind is errors.NotAuthorised else ""
        error = kind(problem, status=answer.status, vendor=self.title, account=account, remedy=remedy)
        error.maybe_sent = answer.maybe_sent_before or isinstance(error, errors.VendorBroken)
        return error


def _kind(status: int) -> type[errors.Refused]:
    if status >= 500 or status < 400:
        return errors.VendorBroken
    return {
        400: errors.InvalidField,
        401: errors.NotAuthorised,
        403: errors.NotAuthorised,
        404: errors.NoSuchAccount,
        410: errors.NoSuchAccount,
        422: errors.InvalidField,
        429: errors.RateLimited,
    }.get(status, errors.Refused)


def quote(words: str) -> str:
    """Somebody else's words, fit for a message: one line that can be printed, not too long."""
    line = " ".join(printable(words).split()).rstrip(".")
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"
