"""Tenovos, digital asset management. API 1.0, and 1.5 with `TENOVOS_API_VERSION=1.5`.

- Create: https://api.tenovos.com/openapi/v1/user-operations/createuser.md
- Update: https://api.tenovos.com/openapi/v1/user-operations/updateuser.md
- Search: https://api.tenovos.com/openapi/v1/user-operations/getuserbytext.md
- Login:  https://api.tenovos.com/openapi/v1/authentication-operations.md

There is no way to delete a user. Needs the User Management and Security Template Management
privileges; Tenovos Support hands out the API key and tells the host.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic import SecretStr, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

from ..core.queries.lookup import Lookups
from ..core.vendor.field_types import Email, NameSet, Number, Password, as_number
from ..core.vendor.fields import CREATE_ONLY, NEEDED_TO_CREATE, UNREADABLE, UPDATE_ONLY, VISIBLE, Problem, Values, Wire
from ..core.vendor.http import Answer, Effect, Request, json_object, number, segment, token_text, whole_number
from ..core.vendor.rehearsal import Assumption, Rehearsal
from ..core.vendor.vendor import Listing, Named, NameList, Refresh, Token, Vendor
from ..resources.fields import OPTIONAL, Arg, Args, Choice, Fields, Key, ListArg, ReadOnly, WriteOnly, read_only
from ..resources.lookup import IdLookup, ListLookup, LookupResult, UserLookup, ask
from ..resources.provider import KeyArgs, LoginArgs, TenantProvider
from ..resources.user import AccountArgs, PersonAccount, UserResource, schema_of
from ..wire import settings

PAGE_SIZE = 100
WAY_TO_LISTS = "Set TENOVOS_API_VERSION=1.5 and the base URL of that version"
# Sizes are documented for 1.5 only (https://api.tenovos.com/openapi/reference/v1.5/operation/CreateUser).
Name = Annotated[str, StringConstraints(min_length=1, max_length=50)]
Address = Annotated[Email, StringConstraints(min_length=6, max_length=75), Wire(read="emailId")]


class Settings(settings.Settings):
    """The address of the customer's Tenovos, and the login. The account must be a local one."""

    base_url: settings.BaseUrl
    api_key: settings.HeaderSecret
    username: Annotated[str, settings.CREDENTIAL]
    password: SecretStr
    client_id: Annotated[str | None, settings.CREDENTIAL] = None
    """Needed by API 1.0."""
    api_version: Literal["1.0", "1.5"] = "1.0"

    @model_validator(mode="after")
    def _client_id_for_1_0(self) -> Self:
        if self.api_version == "1.0" and self.client_id is None:
            raise settings.Missing("client_id")
        return self


class IdentityFields(Fields):
    """The arguments that `tenovos.User` requires and the description of a person gives."""

    email: Key[Address]
    """E-mail, 6 to 75 characters."""
    first_name: Arg[Name]
    """First name, 1 to 50 characters."""
    last_name: Arg[Name]
    """Last name, 1 to 50 characters."""


class OwnFields(AccountArgs):
    """The fields that are particular to Tenovos, and those that are optional."""

    username: Arg[Annotated[Name, CREATE_ONLY, NEEDED_TO_CREATE, VISIBLE, Wire(read="userName")]] = OPTIONAL
    """The login, 1 to 50 characters. Required for a new user; API 1.0 does not return it."""
    friendly_name: Arg[Name] = OPTIONAL
    """Name to display, 1 to 50 characters."""
    user_role_id: Arg[Annotated[str, Wire(read="roleId")]] = OPTIONAL
    """Id (uuid) of the role. Not together with `user_role_name`."""
    user_role_name: Arg[Annotated[str, UPDATE_ONLY, UNREADABLE]] = OPTIONAL
    """Name of the role, such as "End user". Not together with `user_role_id`."""
    groups: ListArg[NameSet, str] = OPTIONAL
    """Ids (uuids) of all groups of the user."""
    company: Arg[Annotated[str, Wire(create="customAttributes.company")]] = OPTIONAL
    """Company."""
    country: Arg[Annotated[str, Wire(create="customAttributes.country")]] = OPTIONAL
    """Country."""
    # The update wants numbers; other text is sent as it is, for the vendor to judge.
    contact: Arg[Annotated[Number, Wire(create="customAttributes.contact", update_value=as_number)]] = OPTIONAL
    """Contact number."""
    phone: Arg[Annotated[Number, Wire(create="customAttributes.phone", update_value=as_number)]] = OPTIONAL
    """Alternate phone number."""
    status: Choice[Annotated[Literal["enabled", "disabled"], UPDATE_ONLY]] = OPTIONAL
    """`"enabled"` or `"disabled"`."""
    account_type: Choice[Annotated[Literal["local", "federated"], CREATE_ONLY]] = OPTIONAL
    """`"local"` or `"federated"`."""
    password: WriteOnly[Annotated[Password, CREATE_ONLY, StringConstraints(min_length=8, max_length=150)]] = OPTIONAL
    """The first password, 8 to 150 characters. Write-only."""
    customer_id: ReadOnly[str] = read_only()
    """Id of the customer the user belongs to."""


class UserArgs(IdentityFields, OwnFields, Args):
    """Arguments of `tenovos.User`."""


class User(IdentityFields, OwnFields, UserResource):
    """A user of Tenovos (https://api.tenovos.com/openapi/v1/user-operations/createuser.md).

    API 1.0 does not return `friendly_name`, `company`, `country`, `contact`, `phone`, `username` and `account_type`:
    changes made by hand to them are not seen, they keep their last declared value. 1.5 returns all of these but
    `account_type`. `user_role_name` is returned by neither: a role changed by hand is seen by its id.
    """


class ProviderArgs(KeyArgs, LoginArgs, total=False):
    """Arguments of `tenovos.Provider`."""

    client_id: Input[str]
    """The client id, needed by API 1.0."""
    api_version: Input[str]
    """`"1.0"` (default) or `"1.5"`."""


class Provider(TenantProvider):
    """Another tenant of Tenovos, for `opts=pulumi.ResourceOptions(provider=...)`."""

    def __init__(self, resource_name: str, opts: ResourceOptions | None = None, **args: Unpack[ProviderArgs]) -> None:
        super().__init__(resource_name, args, opts)


class Account(PersonAccount, OwnFields):
    """An account at Tenovos of a `seatwise.Person`, with what the person's description does not say."""

    user = User
    provider: Provider | None = OPTIONAL
    email: Key[Address] = OPTIONAL
    """E-mail, 6 to 75 characters."""
    first_name: Arg[Name] = OPTIONAL
    """First name, 1 to 50 characters."""
    last_name: Arg[Name] = OPTIONAL
    """Last name, 1 to 50 characters."""


SHOWN = (
    "email", "first_name", "last_name", "user_role_id", "groups", "status", "customer_id", "username", "friendly_name",
    "company", "country", "contact", "phone",
)  # fmt: skip


class GetUserResult(LookupResult, IdentityFields, OwnFields, init=False, shows=SHOWN):
    """A user that a look-up found; the fields mean what they mean at `User`, and are None where Tenovos shows none.

    API 1.0 does not show `username`, `friendly_name`, `company`, `country`, `contact` and `phone`.
    """


@dataclass(frozen=True)
class Group(Named):
    """A group of users."""

    id: str
    """The id for `groups`."""


@dataclass(frozen=True)
class Role(Named):
    """A role."""

    id: str
    """The id for `user_role_id`."""


GROUPS = NameList(
    # Documented for 1.0; 1.5 is asked the same way.
    path="/security/groups",
    has_pages=False,
    about="groups",
    kind=Group,
    keys={"id": ("groupId", "id"), "name": ("groupName", "name")},
)
ROLES = NameList(
    # https://api.tenovos.com/openapi/v1.5/security/getroles.md
    path="/roles",
    has_pages=False,
    about="roles",
    kind=Role,
    lacking=lambda given: "" if given.api_version == "1.5" else f"{WAY_TO_LISTS}, or name the role with user_role_name",
)

REHEARSAL = Rehearsal(
    values={"user_role_name": None, "groups": None},
    changes={"user_role_name": None, "company": "Example Ltd."},
    assumptions={
        "missing": Assumption(source="https://api.tenovos.com/openapi/v1/user-operations.md"),
        "id": Assumption(source="https://api.tenovos.com/openapi/v1/user-operations/createuser.md"),
        "answered update": Assumption(source="https://api.tenovos.com/openapi/v1/user-operations/updateuser.md"),
        "exact search": Assumption(source="https://api.tenovos.com/openapi/v1/user-operations/getuserbytext.md"),
        "deactivated": Assumption(source="https://api.tenovos.com/openapi/v1/user-operations/updateuser.md"),
        "groups": Assumption("whether groups in an update replace the list"),
        "limits": Assumption("how many requests are allowed"),
    },
)


class Tenovos(Vendor):
    """Endpoints and quirks: no id in the answer to a create, "not found" is a 403, numbers in updates."""

    schema = schema_of(User, to_camel)
    settings_type = Settings
    path = "/user"
    answer_keys = ("session", "data", "count", "accessToken", "refreshToken", "authorization", "expireEpoch")
    id_key = "userId"
    tells_ids = False
    verdict = ("status", "success", "error")
    role_field = "user_role_id"
    remembered = ("user_role_id",)
    lists: ClassVar = {"groups": GROUPS, "roles": ROLES}
    rehearsal = REHEARSAL
    way_to_list = WAY_TO_LISTS
    deactivation: ClassVar[Values] = {"status": "disabled"}
    reactivation: ClassVar[Values] = {"status": "enabled"}
    described: ClassVar[Mapping[str, tuple[str, ...]]] = {**Vendor.described, "username": ("name",)}
    example: ClassVar[Values] = {
        "first_name": "Ana",
        "last_name": "Ruiz",
        "email": "ana@example.com",
        "username": "ana",
        "phone": "555 010 0001",
        "company": "Example Inc.",
        "user_role_name": "End user",
        "groups": ["7d6207c0-f423-11e9-8071-89c0c4052141"],
        "password": "a first password",
    }
    example_change: ClassVar[Values] = {"first_name": "Anna", "phone": "555 010 0002", "user_role_name": "Librarian"}

    @property
    def has_list(self) -> bool:
        """Whether the API has a list: API 1.0 does not, and what it finds for "@" is a hint."""
        return bool(self.settings.api_version == "1.5")

    @classmethod
    def rules(cls, values: Values, given: frozenset[str]) -> Iterable[Problem]:
        """Yield a problem if a role has both an id and a name."""
        if {"user_role_id", "user_role_name"} <= given:
            yield Problem("user_role_name", "cannot stand beside user_role_id: give one of the two")

    def request_login(self, refresh: Refresh | None) -> Request:
        given = self.settings
        who = {"clientId": given.client_id, "username": given.username, "password": given.password.get_secret_value()}
        body = {"session": refresh} if refresh else {key: value for key, value in who.items() if value is not None}
        return Request("POST", "/auth/token", Effect.LOGIN, headers=self._api_key(), json=body)

    def parse_token(self, answer: Answer) -> Token:
        session = json_object(answer.object.get("session"))
        headers = self._api_key() | {"Authorization": token_text(session.get("authorization"))}
        if self.settings.api_version == "1.0":
            headers["AccessToken"] = token_text(session.get("accessToken"))
        refresh = {key: token_text(session.get(key)) for key in ("accessToken", "refreshToken")}
        milliseconds = number(session.get("expireEpoch"))
        expires_at = milliseconds and milliseconds / 1000
        return Token(headers, expires_at=expires_at, refresh=refresh if all(refresh.values()) else None)

    def _api_key(self) -> dict[str, str]:
        return {"X-API-Key": self.settings.api_key.get_secret_value()}

    def request_page(self, email: str | None, page: int) -> Request:
        text = email or ("*" if self.has_list else "@")  # every e-mail has an @
        paging = {"from": (page - 1) * PAGE_SIZE, "limit": PAGE_SIZE} if self.has_list else {}
        return Request("GET", f"/user/search/{segment(text)}", query=paging)

    def parse_page(self, answer: Answer) -> Listing | None:
        page = Listing.of(answer.object.get("data"))
        if page is None or not self.has_list:
            return page
        # Whether `count` is of all or of this page is not documented: more than this page holds can only be all.
        count = whole_number(answer.object.get("count")) or 0
        total = count if count > len(page.records) else None
        return Listing(page.records, len(page.records) >= PAGE_SIZE, total and -(-total // PAGE_SIZE), total)

    def is_missing(self, answer: Answer) -> bool:
        """Return whether the answer is a 403 with exactly this message; any other 403 is about permissions."""
        return answer.status == 403 and answer.object.get("message") == "User not found"

    def is_taken(self, answer: Answer) -> bool:
        """Return whether the refusal says what other products say here: its text is not documented."""
        return answer.status == 409 or "already" in self.parse_message(answer).lower()

    def reconcile_outputs(self, outs: Values, declared: Values, before: Values) -> Values:
        """Drop the name of a role whose id has changed: it has another name now, and names cannot be read."""
        is_just_written = "user_role_name" not in before
        is_same = is_just_written or before.get("user_role_id") in (None, outs.get("user_role_id"))
        return outs if is_same else {name: value for name, value in outs.items() if name != "user_role_name"}


# --- looking things up ------------------------------------------------------------------------


get_user = UserLookup(Tenovos, Provider, GetUserResult)
"""The user with this e-mail, whose account need not be in this stack. If no user has it, it is an error."""
get_groups = ListLookup(Tenovos, Provider, GROUPS)
"""All groups."""
group_id = IdLookup(Tenovos, Provider, GROUPS, Group)
"""The id of the group with this name, for `groups`. If none or several have the name, it is an error."""
get_roles = ListLookup(Tenovos, Provider, ROLES)
"""All roles. API 1.5 only."""
role_id = IdLookup(Tenovos, Provider, ROLES, Role)
"""The id of the role with this name, for `user_role_id`. If none or several have it, it is an error. API 1.5 only."""


def get_users(
    *,
    user_role_id: Input[str] | None = None,
    group: Input[str] | None = None,
    active: Input[bool] | None = None,
    provider: Provider | None = None,
) -> Output[list[GetUserResult]]:
    """Return all users: with this role, in this group (by their ids), or who are enabled or disabled. API 1.5 only."""
    return ask(Tenovos, provider, _users, user_role_id, group, active)


async def _users(
    lookups: Lookups, user_role_id: str | None, group: str | None, active: bool | None
) -> list[GetUserResult]:
    return await lookups.users(GetUserResult, {"user_role_id": user_role_id, "groups": group}, active)


VENDOR = Tenovos
