"""Acme, an invented service with a plain JSON API.

- Users: https://api.acme.example/docs/users
"""

from typing import Annotated, ClassVar

from pydantic.alias_generators import to_camel

from seatwise.core.vendor.field_types import Email, NameSet, Password
from seatwise.core.vendor.fields import CREATE_ONLY, Values
from seatwise.core.vendor.http import Answer, Request
from seatwise.core.vendor.vendor import Limit, Listing, Token, Vendor
from seatwise.resources.fields import OPTIONAL, Arg, Args, Key, ListArg, ReadOnly, WriteOnly, read_only
from seatwise.resources.user import AccountArgs, UserResource, schema_of
from seatwise.wire import settings


class Settings(settings.Settings):
    """Where Acme is and the key to it."""

    base_url: settings.BaseUrl = "https://api.acme.example"
    api_key: settings.HeaderSecret


class UserFields(AccountArgs):
    """The fields of a user."""

    email: Key[Email]
    """The login."""
    full_name: Arg[str] = OPTIONAL
    """Full name."""
    teams: ListArg[NameSet, str] = OPTIONAL
    """Names of teams."""
    active: Arg[bool] = OPTIONAL
    """Whether the user can log in."""
    last_login: ReadOnly[str] = read_only()
    """Date-time of the last login."""
    password: WriteOnly[Annotated[Password, CREATE_ONLY]] = OPTIONAL
    """The first password. Write-only."""


class UserArgs(UserFields, Args):
    """Arguments of `acme.User`."""


class User(UserFields, UserResource):
    """A user of Acme (https://api.acme.example/docs/users)."""


class Acme(Vendor):
    """Endpoints. Acme has no quirks."""

    schema = schema_of(User, to_camel)
    settings_type = Settings
    path = "/users"
    limits = (Limit(600, 60),)
    name_fields = ("full_name",)
    example: ClassVar[Values] = {
        "email": "ana@example.com",
        "full_name": "Ana Ruiz",
        "teams": ["north"],
        "password": "a first password",
    }
    example_change: ClassVar[Values] = {"full_name": "Anna Ruiz", "teams": ["north", "west"]}

    def token(self) -> Token:
        return Token({"Authorization": f"Bearer {self.settings.api_key.get_secret_value()}"})

    def request_page(self, email: str | None, page: int) -> Request:
        return Request("GET", self.path, query={"page": page} | ({"email": email} if email else {}))

    def parse_page(self, answer: Answer) -> Listing | None:
        return Listing.of(answer.object.get("users"), more=answer.object.get("more") is True)


VENDOR = Acme
