"""The users' APIs of Enerflo and Nexudus, as the fake vendor has them.

They answer as the sandbox's stand-ins do (`provider/seatwise/sandbox/`) but for two things: bodies are taken as they
are, and one e-mail may be given twice, so that duplicates can be counted.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

from seatwise.sandbox import nexudus
from seatwise.sandbox.store import Store

API_KEY = "bench-key"
Record = dict[str, Any]
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    """An answer."""

    body: Mapping[str, Any] | None
    status: int = 200
    retry_after: int | None = None
    """Seconds."""


class Api(ABC):
    """One vendor's API, and its accounts."""

    paths: ClassVar[tuple[str, ...]]
    """What its paths begin with."""
    kinds: ClassVar[Mapping[tuple[str, str], str]]
    """The kinds of the requests whose paths have no id."""
    one: ClassVar[str]
    """The path of one account, without its id."""
    credential: ClassVar[tuple[bytes, bytes]]
    email: ClassVar[str]
    """The e-mail's name in a record."""

    def __init__(self) -> None:
        self._accounts: dict[int, Record] = {}
        self._made = 0

    def has(self, path: str) -> bool:
        """Return whether the path is one of this API's."""
        return path.startswith(self.paths)

    def kind(self, method: str, path: str) -> str:
        """Return a word for the request: create, list, read, update or delete."""
        of_one = {"GET": "read", "DELETE": "delete"}.get(method, "unknown")
        return of_one if path.startswith(self.one) else self.kinds.get((method, path), "unknown")

    def stranger(self, headers: Headers) -> Answer | None:
        """Return the answer to a request without the credential; None to carry it out."""
        return None if self.credential in headers else Answer({"message": "Unauthenticated."}, 401)

    def throttled(self, seconds: int) -> Answer:
        """Return the answer to a request above the limit."""
        return Answer(None, 429, retry_after=seconds)

    def carried_out(self, kind: str, path: str, query: bytes, body: bytes) -> Answer:
        """Carry a request out."""
        if kind == "create":
            self._made += 1
            made = self._accounts[self._made] = self._new(self._made, json.loads(body))
            return self._created(made)
        if kind == "update":
            return self._update(json.loads(body))
        if kind == "list":
            return self._list({name: values[0] for name, values in parse_qs(query.decode()).items()})
        record = self._account(path.removeprefix(self.one)) if kind in ("read", "delete") else None
        if record is None:
            return self._missing()
        return self._read(record) if kind == "read" else self._delete(record)

    def duplicates(self) -> int:
        """Return how many accounts have the e-mail of another one."""
        return len(self._accounts) - len({str(each.get(self.email)).casefold() for each in self._accounts.values()})

    def _account(self, account: object) -> Record | None:
        return self._accounts.get(int(str(account))) if str(account).isdecimal() else None

    def _page(self, size: int, page: int, email: str | None = None) -> tuple[list[Record], int]:
        """Return the records of a page, and how many pages there are; with an e-mail, of the accounts that have it."""
        found = [each for each in self._accounts.values() if email is None or each[self.email] == email]
        return found[(page - 1) * size : page * size], max(1, -(-len(found) // size))

    @abstractmethod
    def _new(self, number: int, body: Record) -> Record: ...

    @abstractmethod
    def _created(self, record: Record) -> Answer: ...

    @abstractmethod
    def _read(self, record: Record) -> Answer: ...

    @abstractmethod
    def _update(self, body: Record) -> Answer: ...

    @abstractmethod
    def _delete(self, record: Record) -> Answer: ...

    @abstractmethod
    def _list(self, query: Mapping[str, str]) -> Answer: ...

    @abstractmethod
    def _missing(self) -> Answer: ...


class Enerflo(Api):
    """A create is answered with the record, and an update has the changed fields alone."""

    paths = ("/api/v1/", "/api/v3/")
    kinds: ClassVar = {
        ("POST", "/api/v1/users"): "create",
        ("PUT", "/api/v3/users"): "update",
        ("GET", "/api/v3/users"): "list",
    }
    one = "/api/v3/users/"
    credential = (b"api-key", API_KEY.encode())
    email = "email"
    slugs: ClassVar = {"Sales Rep": "agent", "Setter": "setter"}
    largest_page = 200

    def _new(self, number: int, body: Record) -> Record:
        return {**body, "id": number, "active": True}

    def _created(self, record: Record) -> Answer:
        return Answer({"success": True, "user": self._shown(record)})

    def _read(self, record: Record) -> Answer:
        return Answer({"success": True, "data": self._shown(record)})

    def _update(self, body: Record) -> Answer:
        record = self._account(body.pop("id"))
        if record is None:
            return self._missing()
        record.update(body)
        return Answer({"success": True})

    def _delete(self, record: Record) -> Answer:
        return self._missing()

    def _list(self, query: Mapping[str, str]) -> Answer:
        page = int(query.get("page", 1))
        records, pages = self._page(min(int(query.get("pageSize", 25)), self.largest_page), page)
        return Answer({"success": True, "page": page, "totalPages": pages, "results": [*map(self._shown, records)]})

    def _missing(self) -> Answer:
        return Answer({"message": "User not found."}, 404)

    def _shown(self, record: Record) -> Record:
        """Return a user as the API shows it: slugs, and 1 or 0."""
        first, last = record.get("first_name") or "", record.get("last_name") or ""
        return {
            "id": record["id"],
            "first_name": first,
            "last_name": last,
            "name": f"{first} {last}".strip(),
            "email": record.get("email"),
            "phone": record.get("phone"),
            "company_id": 7,
            "active": 1 if record["active"] else 0,
            "timezone": record.get("timezone") or "America/Denver",
            "valid_email": 1,
            "roles": [self.slugs.get(role, role) for role in record.get("roles", [])],
            "external_user_id": record.get("external_user_id"),
            "meta": {
                "inactive": not record["active"],
                "allow_optimus": record.get("allow_optimus", False),
                "can_create_customers": record.get("can_create_customers", True),
            },
        }


def _blank() -> Record:
    """Return the record of a new user of Nexudus, with the keys of what is never returned."""
    with closing(Store()) as store:
        return nexudus.blank(store) | dict.fromkeys(("Password", "NewPassword", "NewAvatarUrl", "ClearAvatarFile"))


class Nexudus(Api):
    """A write is answered with the id alone, an update has the whole record, and lists show parts of the records."""

    paths = ("/api/sys/users",)
    kinds: ClassVar = {
        ("POST", "/api/sys/users"): "create",
        ("PUT", "/api/sys/users"): "update",
        ("GET", "/api/sys/users"): "list",
    }
    one = "/api/sys/users/"
    credential = (b"authorization", f"Bearer {API_KEY}".encode())
    email = "Email"
    blank: ClassVar = _blank()
    only_by_id: ClassVar = frozenset(
        ("Businesses", "UserRoles", "ChatRooms", "IsAdmin", "APIAccess", "NewPassword", "AccessToken")
    )
    largest_page = 100

    def throttled(self, seconds: int) -> Answer:
        """Return the documented answer: a 409 without a body."""
        return Answer(None, 409, retry_after=seconds)

    def _new(self, number: int, body: Record) -> Record:
        return {**self.blank, **body, "Id": number, "UniqueId": f"unique-{number}", "UpdatedOn": _now()}

    def _created(self, record: Record) -> Answer:
        return self._done("created", record)

    def _read(self, record: Record) -> Answer:
        return Answer(record)

    def _update(self, body: Record) -> Answer:
        record = self._account(body.get("Id"))
        if record is None:
            return self._missing()
        record.update(self._new(record["Id"], body))
        return self._done("updated", record)

    def _delete(self, record: Record) -> Answer:
        del self._accounts[record["Id"]]
        return self._done("deleted", record)

    def _list(self, query: Mapping[str, str]) -> Answer:
        page = int(query.get("page", 1))
        size = min(int(query.get("size", 25)), self.largest_page)
        records, pages = self._page(size, page, query.get("User_Email"))
        shown = [{name: value for name, value in each.items() if name not in self.only_by_id} for each in records]
        known = {"Records": shown, "CurrentPage": page, "TotalItems": len(self._accounts), "TotalPages": pages}
        return Answer({**known, "HasNextPage": page < pages, "HasPreviousPage": page > 1})

    def _missing(self) -> Answer:
        return Answer({"Message": "Not found", "Value": None, "WasSuccessful": False}, 404)

    def _done(self, what: str, record: Record) -> Answer:
        value = {"Id": record["Id"]}
        said = {"Status": 200, "Message": f"User was successfully {what}.", "Value": value, "UpdatedOn": _now()}
        return Answer({**said, "Errors": None, "WasSuccessful": True})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
