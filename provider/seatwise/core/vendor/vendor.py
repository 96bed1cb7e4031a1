"""The interface of a vendor. One file in `seatwise.vendors` implements it, without any I/O."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from . import errors
from .boundary import Json, Record
from .fields import Problem, Schema, Takes, Values
from .http import Answer, Effect, Request, identifier, number, objects, retry_after, segment, token_text, whole_number
from .rehearsal import Rehearsal
from .secrets import Known
from .text import module_name, printable

LONGEST_QUOTE = 200  # characters of the vendor's own words in a message
NOTHING_SECRET = Known()
Refresh = str | Mapping[str, object]
"""What refreshes a token: the vendor's refresh token, or several values by name."""


@dataclass(frozen=True)
class Limit:
    """At most `requests` in any `seconds`.

    `writes` says that only writing requests count, `verbs` that only requests of these methods do. With a `burst`
    no more than so many leave at once, at the same rate.
    """

    requests: int
    seconds: float
    writes: bool = False
    verbs: tuple[str, ...] = ()
    burst: int = 0

    def counts(self, verb: str, *, writes: bool) -> bool:
        """Return whether a request of this method counts against the limit."""
        return (writes or not self.writes) and (not self.verbs or verb in self.verbs)

    @property
    def most(self) -> int:
        """How many requests may leave in any `window`."""
        return self.burst or self.requests

    @property
    def window(self) -> float:
        """The seconds for which a request counts: those in which a burst is allowed again, or all."""
        return self.seconds * self.most / self.requests


@dataclass(frozen=True)
class Token:
    """The result of a login: headers for every request, and when they expire.

    `expires_in` is seconds from now, `expires_at` seconds since the epoch. Without both it does not expire.
    """

    headers: Mapping[str, str] = field(repr=False)
    expires_in: float | None = None
    expires_at: float | None = None
    refresh: Refresh | None = field(default=None, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether each header contains a credential."""
        return all(value.rpartition(" ")[2] for value in self.headers.values())

    def secrets(self) -> Iterator[str]:
        """Yield every credential, to be blanked in messages; a scheme such as `Bearer` is not a credential."""
        refresh = self.refresh.values() if isinstance(self.refresh, Mapping) else [self.refresh]
        for value in (*self.headers.values(), *refresh):
            if isinstance(value, str):
                yield value.rpartition(" ")[2]


@dataclass(frozen=True)
class Listing:
    """One page of accounts, and whether another follows.

    `pages` and `total` are how many pages and accounts there are, where the vendor says so. `next` is the query by
    which the following page is asked for, where its number does not say it: a cursor, or the index after a page that
    the server made smaller than asked. It replaces these parts of the query of `request_page`.

    `index` is the part of the query that counts records, from 1: the following page, if the `total` has more, begins
    after the records of this one, counted from the index that was asked for. `is_open` says that nothing counts the
    records and the page is not full, so it may be the last one: then the same page twice is the whole list.
    """

    records: Sequence[Record]
    more: bool = False
    pages: int | None = None
    total: int | None = None
    next: Mapping[str, str | int] | None = None
    index: str = ""
    is_open: bool = False

    @classmethod
    def of(cls, records: Json, *, more: bool = False, pages: Json = None, total: Json = None) -> "Listing | None":
        """Return the page with these values of an answer, or None if its records are not a list."""
        if not isinstance(records, list):
            return None
        return cls(objects(records), more, whole_number(pages), whole_number(total))

    @classmethod
    def whole(cls, answer: Answer) -> "Listing | None":
        """Return the list in an answer that is an array and nothing else, without pages."""
        return cls.of(answer.json)


@dataclass(frozen=True)
class Named:
    """A thing that programs look up by name: an office, a role, a group. Its classes say the type of the id."""

    id: object
    """The vendor's id."""
    name: str
    """The name that people know."""


N = TypeVar("N", bound=Named)
N_co = TypeVar("N_co", bound=Named, covariant=True)


class Before(Protocol):
    """An account in the engine's state before a write."""

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
    """The name in errors: an e-mail, or the plural of the things in the list."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NameList(Generic[N_co]):
    """A list of a vendor in which programs look up names."""

    path: str
    """Its path. By default a page of it is asked for as a page of accounts is (`Vendor.request_items`)."""
    has_pages: bool = True
    """Whether it comes in pages, as a list of accounts does. Otherwise the answer is an array and nothing else."""
    read: Callable[[Answer], Listing | None] | None = None
    """The page in the answer; by default it is read as a page of accounts is (`Vendor.parse_page`), if it has pages."""
    about: str
    """What errors name: the plural of the things in the list."""
    kind: type[N_co]
    """The dataclass of one of them. Its name is the singular in messages: `UserRole` is "user role"."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For a field the keys under which a record may have it, the likeliest first, where they are not the name that the
    vendor's naming rule gives."""
    twice: str = "Give its id instead"
    """The remedy where several have one name."""
    lacking: Callable[[Any], str] = lambda settings: ""
    """Return the remedy if a tenant with these settings has no such list; empty if it has it."""

    @property
    def one(self) -> str:
        """The singular for messages, such as "office"."""
        return re.sub(r"(?<!^)(?=[A-Z])", " ", self.kind.__name__).lower()


class Vendor(ABC):
    """One vendor with one tenant's settings: builds requests and reads answers, and sends nothing.

    Most of it has a default that fits a plain JSON API. A vendor overrides what differs.
    """

    # --- what every vendor says ---------------------------------------------------------------

    schema: ClassVar[Schema]
    """The fields of its accounts: `schema_of(User, ...)`."""
    settings_type: ClassVar[type[Any]]
    """Its settings."""
    path: ClassVar[str]
    """The path of its accounts, such as `/users`; an account's own path has the id behind it."""
    answer_keys: ClassVar[tuple[str, ...]] = ()
    """Keys of answers, beside those of its fields, that are public: a report of a rehearsal may show them."""
    example: ClassVar[Values]
    """Arguments of a typical account, for the documentation and the conformance tests."""
    example_change: ClassVar[Values]
    """Other values for some of the example's arguments, for an update."""

    @abstractmethod
    def request_page(self, email: str | None, page: int) -> Request:
        """Return the request for a page (from 1) of the accounts with this identity; None: of all accounts.

        The identity is an e-mail unless `identity_field` says otherwise.
        """

    @abstractmethod
    def parse_page(self, answer: Answer) -> Listing | None:
        """Return the accounts in the answer to `request_page`, or None if it cannot be read."""

    # --- what differs between vendors ---------------------------------------------------------

    name: ClassVar[str]
    """Its key in type tokens, settings and file names: the name of its module."""
    title: ClassVar[str]
    """Its name in messages: the name of its class, unless it says another."""
    id_key: ClassVar[str] = "id"
    """The key of the id in a record."""
    identity_field: ClassVar[str] = "email"
    """The argument by which accounts are found and told apart: their e-mail, or a user name."""
    deactivation: ClassVar[Values] = MappingProxyType({"active": False})
    """The argument values that deactivate an account."""
    reactivation: ClassVar[Values] = MappingProxyType({"active": True})
    """The argument values that make it active again."""
    name_fields: ClassVar[tuple[str, ...]] = ("first_name", "last_name")
    """The fields that are a person's name."""
    role_field: ClassVar[str] = "roles"
    """The field that holds an account's roles."""
    described: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "email": ("email",),
        "first_name": ("first_name",),
        "last_name": ("last_name",),
        "phone": ("phone",),
        "full_name": ("first_name", "last_name"),
    }
    """Arguments that the description of a `Person` gives, where the schema has them, each with the parts that make
    it (with spaces between): `name` (the resource's), `email`, `first_name`, `last_name`, `phone`."""
    lists: ClassVar[Mapping[str, NameList[Named]]] = MappingProxyType({})
    """What else programs look up by name, such as `offices`."""

    @property
    def rehearsal(self) -> Rehearsal:
        """What `seatwise rehearse` tries otherwise than with every vendor."""
        return Rehearsal()

    # A fact that is the same for every tenant is an attribute of the class in a vendor's file: `can_delete = True`.

    @property
    def limits(self) -> tuple[Limit, ...]:
        """How many requests the documentation allows."""
        return ()

    @property
    def can_delete(self) -> bool:
        """Whether an account can be deleted for good."""
        return False

    @property
    def deactivating_deletes(self) -> bool:
        """Whether an account that is deactivated is gone for good: then a program must ask for the deletion."""
        return False

    @classmethod
    def rules(cls, values: Values, given: frozenset[str]) -> Iterable[Problem]:
        """Return the problems of several arguments together; `given` contains the names of unknown values as well."""
        return cls.schema.contradictions(values, given)

    # --- the account list ---------------------------------------------------------------------

    version: ClassVar[str | None] = None
    """The output that changes whenever the account does, where the list shows it."""
    way_to_list: ClassVar[str] = ""
    """The remedy where `has_list` is false."""

    @property
    def finds_by_email(self) -> bool:
        """Whether `request_page` with an e-mail costs one request, and not the whole list."""
        return True

    @property
    def lists_whole_records(self) -> bool:
        """Whether the list's records are as complete as a single account's."""
        return True

    @property
    def has_list(self) -> bool:
        """Whether `request_page` without an e-mail is documented to give all accounts."""
        return True

    def request_inactive_page(self, page: int) -> Request | None:
        """Return the request for a page (from 1) of the inactive accounts, or None if no such list is known.

        For a vendor whose `request_page` may hide them. The list is trusted if it contains only inactive accounts.
        """
        return None

    # --- login --------------------------------------------------------------------------------

    def token(self) -> Token | None:
        """Return the token that needs no login: by default the setting `token`, as a bearer token.

        None if `request_login` is needed, as it is by default where a vendor or a tenant has no such setting.
        """
        given = getattr(self.settings, "token", None)
        return None if given is None else Token({"Authorization": f"Bearer {given.get_secret_value()}"})

    @property
    def way_to_log_in(self) -> str:
        """The remedy where the vendor refuses the credentials or what they may do."""
        return f"Check {self.settings.credential_names}, and what it is allowed to do"

    def request_login(self, refresh: Refresh | None) -> Request:
        """Return the request for a new token; `refresh` is the last token's, or None for a fresh login.

        It goes to the settings' `login_url` where they have one, whatever its path.
        """
        raise NotImplementedError(f"{self.title} has no login")

    def parse_token(self, answer: Answer) -> Token:
        """Return the token in the answer to `request_login`: by default the bearer token of OAuth 2."""
        # https://www.rfc-editor.org/rfc/rfc6749#section-5.1
        access, lifetime, refresh = map(answer.object.get, ("access_token", "expires_in", "refresh_token"))
        headers = {"Authorization": f"Bearer {token_text(access)}"}
        return Token(headers, expires_in=number(lifetime), refresh=token_text(refresh) or None)

    # --- requests -----------------------------------------------------------------------------

    create_path: ClassVar[str] = ""
    """The path of a create, where it is not `path`."""
    create_defaults: ClassVar[Mapping[str, object]] = MappingProxyType({})
    """What a create sends where the program does not say it, under the vendor's names."""

    @property
    def replaces(self) -> bool:
        """Whether an update replaces the whole record, so that seatwise reads and merges it first."""
        return False

    def merges(self, changes: Values) -> bool:
        """Return whether an update with these changes is made from the fresh record."""
        return self.replaces

    def request_facts(self) -> Request | None:
        """Return the request that asks the tenant how accounts are updated there, or None if that is known."""
        return None

    def learn_facts(self, answer: Answer | None) -> None:
        """Remember what the answer to `request_facts` says, if it says anything; None if there was no answer."""
        raise NotImplementedError(f"{self.title} asks for no facts")

    def request_items(self, listed: NameList[Any], page: int) -> Request:
        """Return the request for a page (from 1) of another list: by default as for accounts, at the list's path."""
        request = self.request_page(None, page)
        return replace(request, path=listed.path, query=request.query if listed.has_pages else {})

    def request_create(self, values: Values) -> Request:
        """Return the request that creates an account."""
        body = {**self.create_defaults, **self.schema.body(values, Takes.CREATE)}
        return Request("POST", self.create_path or self.path, Effect.CREATE, json=body)

    def request_read(self, account: str) -> Request:
        """Return the request that reads one account by its id, in full."""
        return Request("GET", self._path_of(account))

    def request_update(self, account: str, changes: Values, record: Record | None) -> Request:
        """Return the request that changes an account; `record` is its fresh record where `merges` is true."""
        body = self.schema.body(changes, Takes.UPDATE)
        return Request("PATCH", self._path_of(account), Effect.REPEATABLE, json=body)

    def request_delete(self, account: str) -> Request:
        """Return the request that deletes an account for good, where `can_delete` is true."""
        return Request("DELETE", self._path_of(account), Effect.REPEATABLE)

    def _path_of(self, account: str) -> str:
        return f"{self.path}/{segment(account)}"

    # --- answers ------------------------------------------------------------------------------

    tells_ids: ClassVar[bool] = True
    """Whether the answer to a create holds the id."""
    echoes: ClassVar[bool] = False
    """Whether the answer to a create repeats what was sent, whatever the vendor keeps: then it is never trusted."""
    verdict: ClassVar[tuple[str, bool | str, bool | str] | None] = None
    """The key under which an answer says whether a writing request was carried out, with the values for yes and no.
    None if only the status says it."""

    def parse_record(self, answer: Answer) -> Record | None:
        """Return the account's record in the answer to a read or an update, or None if there is no record."""
        return answer.object if answer.object.get(self.id_key) else None

    def parse_id(self, record: Record) -> str | None:
        """Return the id in a record, or None if it has none."""
        return identifier(record.get(self.id_key))

    def parse_identity(self, record: Record) -> str:
        """Return the identity in a record, or an empty text."""
        identity = self.schema.raw(record, self.identity_field)
        return identity if isinstance(identity, str) else ""

    def parse_email(self, record: Record) -> str:
        """Return the e-mail in a record, or the identity if the account has no e-mail."""
        email = self.schema.raw(record, "email")
        return email if isinstance(email, str) and email else self.parse_identity(record)

    def parse_emails(self, record: Record) -> Sequence[str]:
        """Return all e-mails in a record, by default the one that is a field."""
        return [self.parse_email(record)]

    def parse_created_id(self, answer: Answer) -> str | None:
        """Return the id in the answer to a create, or None if it has none."""
        record = self.parse_record(answer)
        return None if record is None else self.parse_id(record)

    def parse_message(self, answer: Answer) -> str:
        """Return the vendor's own words in an answer, from the places where vendors put messages."""
        parts = [answer.object.get(key) for key in ("message", "Message", "error_description", "error", "detail")]
        return next((part for part in parts if isinstance(part, str) and part), "")

    must_show_inactive: ClassVar[bool] = False
    """Whether a deactivation is done only once a record shows it: the vendor may answer it and not keep it.

    A reactivation is looked at as well. A record that does not show it does not deny it.
    """

    def is_success(self, answer: Answer) -> bool:
        """Return whether the vendor carried out a writing request."""
        return answer.ok and self._verdict(answer) is not False

    def is_confirmed(self, answer: Answer) -> bool:
        """Return whether the answer itself says that the vendor carried out a writing request."""
        return self._verdict(answer) is True or self.parse_record(answer) is not None

    def _verdict(self, answer: Answer) -> bool | None:
        if self.verdict is None:
            return None
        key, yes, no = self.verdict
        said = answer.object.get(key)
        return next((word is yes for word in (yes, no) if type(said) is type(word) and said == word), None)

    def is_missing(self, answer: Answer) -> bool:
        """Return whether the answer says that the account does not exist."""
        return answer.status in (404, 410)

    def is_outdated(self, answer: Answer) -> bool:
        """Return whether the vendor refused an update because the record it was made from has changed since."""
        return answer.status == 412

    def is_taken(self, answer: Answer) -> bool:
        """Return whether the vendor refused a create because the e-mail is taken."""
        return answer.status == 409

    def is_throttled(self, answer: Answer) -> bool:
        """Return whether the vendor did not process the request, and takes it again later."""
        return answer.status == 429 or (answer.status == 503 and retry_after(answer.headers) is not None)

    def is_deactivated(self, record: Record) -> bool:
        """Return whether the account in a record is inactive."""
        actual = self.schema.parse(record)
        return all(actual.get(name) == value for name, value in self.deactivation.items())

    # --- a vendor that reads back something else than was written -----------------------------

    remembered: ClassVar[tuple[str, ...]] = ()
    """Outputs that a later comparison needs besides what is declared."""

    def to_program_values(self, values: Values) -> Values:
        """Return values that were read, as a program would write them."""
        return values

    def reconcile_outputs(self, outs: Values, declared: Values, before: Values) -> Values:
        """Return the outputs, adjusted where the vendor returns too little to compare them with what is declared.

        `before` are the outputs of an earlier read, without those that were written since.
        """
        return outs

    def denies_write(self, changes: Values, before: Before, after: Values) -> bool:
        """Return whether a read after a write shows that it was not made, for fields that are normalized by the vendor.

        `before` is the engine's state before the write, `after` are the values that a record shows.
        """
        return False

    # --- what follows from the above; no vendor overrides it ----------------------------------

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if Vendor in cls.__bases__:
            cls.name, cls.title = module_name(cls), vars(cls).get("title", cls.__name__)

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @property
    def paced_by(self) -> tuple[Limit, ...]:
        """The limits that seatwise keeps to: the documented ones, unless the settings say others."""
        own = self.settings.requests_per_minute
        if own is None:
            return self.limits
        return (Limit(own, 60),) if own else ()

    @classmethod
    def identity(cls, values: Values) -> str:
        """Return the identity among an account's values, or an empty text."""
        return str(values.get(cls.identity_field) or "")

    @classmethod
    def identity_name(cls) -> str:
        """Return the name of the identity in messages: `e-mail`, `user name`."""
        return "e-mail" if cls.identity_field == "email" else cls.identity_field.replace("_", " ")

    def deactivates(self, changes: Values) -> bool:
        """Return whether these changes deactivate an account."""
        return all(changes.get(name) == value for name, value in self.deactivation.items())

    def refusal(self, answer: Answer, operation: str, account: str, known: Known = NOTHING_SECRET) -> errors.Refused:
        """Return the error for an answer that refuses a request. It quotes the vendor without the `known` secrets."""
        kind = _kind(answer.status)
        if self.is_throttled(answer):
            kind = errors.RateLimited
        elif operation == "create" and self.is_taken(answer):
            kind = errors.AccountExists
        elif operation in ("look-up", "create"):
            kind = errors.Refused if kind is errors.NoSuchAccount else kind  # it is about no account that could be gone
        elif self.is_missing(answer):
            kind = errors.NoSuchAccount
        words = quote(known.blanked(self.parse_message(answer), is_quoted=True))
        problem = f"{operation} refused with {answer.status}" + (f": {words}" if words else "")
        remedy = self.way_to_log_in if kind is errors.NotAuthorised else ""
        if kind is errors.Refused and _kind(answer.status) is errors.NoSuchAccount:
            remedy = f"Check {self.settings.display_name('base_url')}"
        error = kind(problem, status=answer.status, vendor=self.title, account=account, remedy=remedy)
        error.maybe_sent = answer.maybe_sent_before or isinstance(error, errors.VendorBroken)
        error.is_about_all = operation == "look-up" and _kind(answer.status) is errors.NoSuchAccount
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
    """Return a vendor's words for a message: one printable line, cut to `LONGEST_QUOTE` characters."""
    line = " ".join(printable(words).split()).rstrip(".")
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"
