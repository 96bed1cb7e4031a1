"""Acme, an invented service with a plain JSON API.

- Users: https://api.acme.example/docs/users
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Required, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic.alias_generators import to_camel
from pydantic_settings import SettingsConfigDict

from seatwise.core.vendor.fields import CREATE_ONLY, Email, NameSet, Password, Schema, Takes, Values
from seatwise.core.vendor.http import Answer, Effect, Request, segment
from seatwise.core.vendor.vendor import Limit, Listing, Token, Vendor
from seatwise.resources.user import AccountArgs, Items, UserResource
from seatwise.wire import settings


class Settings(settings.Settings):
    """Where Acme is and the key to it."""

    model_config = SettingsConfigDict(env_prefix="ACME_")
    vendor: ClassVar[str] = "acme"

    base_url: settings.BaseUrl = "https://api.acme.example"
    api_key: settings.HeaderSecret


class UserArgs(AccountArgs, total=False):
    """Arguments of `acme.User`."""

    email: Required[Input[Email]]
    """The login."""
    full_name: Input[str]
    """Full name."""
    teams: Input[NameSet] | Items[Input[str]]
    """Names of teams."""
    active: Input[bool]
    """Whether the user can log in."""
    password: Input[Annotated[Password, CREATE_ONLY]]
    """The first password. Write-only."""


class User(UserResource, module="seatwise/acme", name="User"):
    """A user of Acme (https://api.acme.example/docs/users)."""

    email: Output[str]
    full_name: Output[str]
    teams: Output[list[str]]
    active: Output[bool]
    last_login: Output[str]
    """Date-time of the last login."""

    def __init__(self, resource_name: str, opts: ResourceOptions | None = None, **args: Unpack[UserArgs]) -> None:
        super().__init__(resource_name, args, opts)


class Acme(Vendor):
    """Endpoints and quirks: there are none of the latter."""

    name = "acme"
    title = "Acme"
    schema = Schema.of(UserArgs, User.__annotations__, to_camel)
    settings_type = Settings
    limits = (Limit(600, 60),)
    retired: ClassVar[Mapping[str, Any]] = {"active": False}
    reactivated: ClassVar[Mapping[str, Any]] = {"active": True}
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

    def create(self, values: Values) -> Request:
        return Request("POST", "/users", Effect.CREATE, json=self.schema.body(values, Takes.CREATE))

    def read(self, account: str) -> Request:
        return Request("GET", f"/users/{segment(account)}")

    def find(self, email: str | None, page: int) -> Request:
        return Request("GET", "/users", query={"page": page} | ({"email": email} if email else {}))

    def update(self, account: str, changes: Values, record: Mapping[str, Any] | None) -> Request:
        body = self.schema.body(changes, Takes.UPDATE)
        return Request("PATCH", f"/users/{segment(account)}", Effect.REPEATABLE, json=body)

    def record(self, answer: Answer) -> Mapping[str, Any] | None:
        return answer.object if answer.object.get("id") else None

    def account_id(self, record: Mapping[str, Any]) -> str | None:
        return str(record["id"]) if record.get("id") else None

    def created(self, answer: Answer) -> str | None:
        return self.account_id(answer.object)

    def found(self, answer: Answer) -> Listing | None:
        users = answer.object.get("users")
        return Listing(users, more=answer.object.get("more") is True) if isinstance(users, list) else None


VENDOR = Acme
