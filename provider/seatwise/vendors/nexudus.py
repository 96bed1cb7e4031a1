"""Nexudus, software for coworking spaces. Its users are the administrators and staff of the spaces.

- Create: https://learn.nexudus.com/rest-api/sys/post-users
- Update: https://learn.nexudus.com/rest-api/sys/put-users
- Read:   https://learn.nexudus.com/rest-api/sys/get-users-by-id
- Login:  https://learn.nexudus.com/rest-api/authentication
- Limits: https://developers.nexudus.com/reference/api-limitations

An update replaces the whole record, and lists hold partial records: seatwise reads a user by id,
merges what is declared into it and sends everything back. Needs the permissions User-List, User-Read,
User-Create and User-Edit (User-Delete for `on_destroy="delete"`), or a full administrator.
"""

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Required, Self, TypedDict, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic import SecretStr, model_validator
from pydantic.alias_generators import to_pascal
from pydantic_settings import SettingsConfigDict

from ..core.queries.lookup import Lookups
from ..core.vendor.fields import (
    SECRET,
    UNREADABLE,
    VOLATILE,
    DateTime,
    Delta,
    Email,
    IdSet,
    Password,
    Problem,
    Schema,
    Takes,
    Values,
    Wire,
    named,
    one_of,
)
from ..core.vendor.http import (
    Answer,
    Effect,
    Request,
    fits_a_header,
    identifier,
    number,
    objects,
    retry_after,
    segment,
    token_text,
    whole_number,
)
from ..core.vendor.vendor import Limit, Listed, Listing, Token, Vendor
from ..resources.lookup import ask
from ..resources.provider import TenantArgs, TenantProvider
from ..resources.user import AccountArgs, PersonAccount, UserResource
from ..wire import settings

PAGE_SIZE = 100
# Required on every write, and the provider's business unless the program says otherwise.
BOOKKEEPING = {"PasswordSalt": "", "LastHelpVisited": 0, "InvalidLoginAttempts": 0}
# A record holds these keys; sending one back would act on it.
ACTIONS = ("Password", "NewPassword", "NewAvatarUrl", "ClearAvatarFile")


class Language(enum.IntEnum):
    """Languages of the back office."""

    ENGLISH_US = 1
    SPANISH = 2
    ENGLISH_UK = 3


class Settings(settings.Settings):
    """Who logs in to Nexudus, or a bearer token that somebody else got."""

    model_config = SettingsConfigDict(env_prefix="NEXUDUS_")
    vendor: ClassVar[str] = "nexudus"

    base_url: settings.BaseUrl = "https://spaces.nexudus.com"
    username: Annotated[str | None, settings.CREDENTIAL] = None
    password: SecretStr | None = None
    token: settings.HeaderSecret | None = None
    client_id: Annotated[settings.HeaderText | None, settings.CREDENTIAL] = None
    """One refresh token lives per client id; the vendor's default is the user name."""

    @model_validator(mode="after")
    def _some_credentials(self) -> Self:
        if self.token is None and (self.username is None or self.password is None):
            raise settings.Missing("password" if self.username else "username", instead="token")
        return self


class IdentityArgs(TypedDict):
    """What `nexudus.User` requires and the description of a person gives."""

    full_name: Input[str]
    """Full name."""
    email: Input[Email]
    """The login."""


class OwnArgs(AccountArgs, total=False):
    """What is particular to an account at Nexudus, and what is optional."""

    language: Required[Input[Annotated[int, named(Language), one_of(Language)]]]
    """A `Language`."""
    active: Input[bool]
    """Whether the user is active."""
    is_admin: Input[bool]
    """Whether the user is a full administrator."""
    api_access: Input[Annotated[bool, Wire("APIAccess", "APIAccess", "APIAccess")]]
    """Whether the user may use the API."""
    validated: Input[bool]
    """Whether the e-mail counts as validated."""
    must_reset_password: Input[bool]
    """Whether the next login asks for a new password."""
    preferred_language_id: Input[int]
    """Id of the preferred language."""
    application_id: Input[int]
    """Id of the application."""
    businesses: Input[IdSet] | Sequence[Input[int]]
    """Ids of all businesses (spaces) of the user."""
    added_businesses: Input[Annotated[IdSet, Delta("businesses", present=True)]] | Sequence[Input[int]]
    """Ids of businesses the user must have; others are left alone."""
    removed_businesses: Input[Annotated[IdSet, Delta("businesses", present=False)]] | Sequence[Input[int]]
    """Ids of businesses the user must not have; others are left alone."""
    user_roles: Input[IdSet] | Sequence[Input[int]]
    """Ids of all roles of the user."""
    added_user_roles: Input[Annotated[IdSet, Delta("user_roles", present=True)]] | Sequence[Input[int]]
    """Ids of roles the user must have; others are left alone."""
    removed_user_roles: Input[Annotated[IdSet, Delta("user_roles", present=False)]] | Sequence[Input[int]]
    """Ids of roles the user must not have; others are left alone."""
    chat_rooms: Input[IdSet] | Sequence[Input[int]]
    """Ids of all chat rooms of the user."""
    added_chat_rooms: Input[Annotated[IdSet, Delta("chat_rooms", present=True)]] | Sequence[Input[int]]
    """Ids of chat rooms the user must be in; others are left alone."""
    removed_chat_rooms: Input[Annotated[IdSet, Delta("chat_rooms", present=False)]] | Sequence[Input[int]]
    """Ids of chat rooms the user must not be in; others are left alone."""
    on_new_email: Input[bool]
    """Notify about new e-mails."""
    on_help_desk_msg: Input[bool]
    """Notify about help desk messages."""
    on_new_wall_post: Input[bool]
    """Notify about new posts."""
    on_new_member: Input[bool]
    """Notify about new members."""
    on_profile_changes: Input[bool]
    """Notify about changed profiles."""
    on_new_blog_comment: Input[bool]
    """Notify about comments on the blog."""
    on_new_event_comment: Input[bool]
    """Notify about comments on events."""
    on_tariff_change: Input[bool]
    """Notify about changed tariffs."""
    on_booking_change: Input[bool]
    """Notify about changed bookings."""
    on_tentative_booking_change: Input[bool]
    """Notify about changed tentative bookings."""
    on_purchases: Input[bool]
    """Notify about purchases."""
    on_visitor_registration: Input[bool]
    """Notify about registered visitors."""
    on_platform_invoices: Input[Annotated[bool, Wire("OnPlaformInvoices", "OnPlaformInvoices", "OnPlaformInvoices")]]
    """Notify about invoices of the platform (the vendor's own spelling lacks a t)."""
    on_access_control_errors: Input[bool]
    """Notify about errors of access control."""
    on_member_removed_from_team: Input[bool]
    """Notify about members removed from teams."""
    on_virtual_office_tariff_change: Input[bool]
    """Notify about changed tariffs of virtual offices."""
    on_virtual_office_delivery_preference_update: Input[bool]
    """Notify about changed delivery preferences of virtual offices."""
    on_identity_check_update: Input[bool]
    """Notify about identity checks."""
    receive_community_digest: Input[bool]
    """Whether the community digest is sent."""
    receive_every_message: Input[bool]
    """Whether every message is sent."""
    new_avatar_url: Input[Annotated[str, UNREADABLE]]
    """URL of a picture to upload when this changes."""
    clear_avatar_file: Input[Annotated[bool, UNREADABLE]]
    """True removes the picture when this changes."""
    devices: Input[Annotated[str, VOLATILE]]
    """Devices of the user."""
    support_team_user_email: Input[Email]
    """E-mail of the user in the support team."""
    email_call_back_guid: Input[Annotated[str, VOLATILE]]
    """GUID of the e-mail call back."""
    last_access: Input[Annotated[DateTime, VOLATILE]]
    """Date-time of the last access."""
    last_login_attempt: Input[Annotated[DateTime, VOLATILE]]
    """Date-time of the last attempt to log in."""
    last_received_community_thread_date: Input[Annotated[DateTime, VOLATILE]]
    """Date-time of the last community thread sent."""
    last_received_community_message_date: Input[Annotated[DateTime, VOLATILE]]
    """Date-time of the last community message sent."""
    next_community_digest: Input[Annotated[DateTime, VOLATILE]]
    """Date-time of the next community digest."""
    next_help_desk_message_reminder: Input[Annotated[DateTime, VOLATILE]]
    """Date-time of the next help desk reminder."""
    last_help_visited: Input[Annotated[int, VOLATILE]]
    """Bookkeeping of the vendor; kept as it is unless given."""
    invalid_login_attempts: Input[Annotated[int, VOLATILE]]
    """Bookkeeping of the vendor; kept as it is unless given."""
    password: Input[Password]
    """The password. Write-only."""
    new_password: Input[Password]
    """A new password. Write-only."""
    password_salt: Input[Password]
    """Bookkeeping of the vendor; kept as it is unless given. Write-only."""
    access_token: Input[Password]
    """Access token. Write-only."""
    two_factor_secret: Input[Annotated[str, SECRET]]
    """Secret of the second factor. Write-only."""


class UserArgs(IdentityArgs, OwnArgs, total=False):
    """Arguments of `nexudus.User`."""


class PersonalArgs(OwnArgs, total=False):
    """Arguments of `nexudus.Account`."""

    full_name: Input[str]
    """Full name."""
    email: Input[Email]
    """The login."""


class User(UserResource, module="seatwise/nexudus", name="User"):
    """An administrator or staff member at Nexudus (https://learn.nexudus.com/rest-api/sys/post-users).

    Never read back: `new_avatar_url`, `clear_avatar_file` and the secrets.
    """

    full_name: Output[str]
    email: Output[str]
    language: Output[int]
    active: Output[bool]
    is_admin: Output[bool]
    api_access: Output[bool]
    validated: Output[bool]
    must_reset_password: Output[bool]
    preferred_language_id: Output[int]
    application_id: Output[int]
    businesses: Output[list[int]]
    added_businesses: Output[list[int]]
    removed_businesses: Output[list[int]]
    user_roles: Output[list[int]]
    added_user_roles: Output[list[int]]
    removed_user_roles: Output[list[int]]
    chat_rooms: Output[list[int]]
    added_chat_rooms: Output[list[int]]
    removed_chat_rooms: Output[list[int]]
    on_new_email: Output[bool]
    on_help_desk_msg: Output[bool]
    on_new_wall_post: Output[bool]
    on_new_member: Output[bool]
    on_profile_changes: Output[bool]
    on_new_blog_comment: Output[bool]
    on_new_event_comment: Output[bool]
    on_tariff_change: Output[bool]
    on_booking_change: Output[bool]
    on_tentative_booking_change: Output[bool]
    on_purchases: Output[bool]
    on_visitor_registration: Output[bool]
    on_platform_invoices: Output[bool]
    on_access_control_errors: Output[bool]
    on_member_removed_from_team: Output[bool]
    on_virtual_office_tariff_change: Output[bool]
    on_virtual_office_delivery_preference_update: Output[bool]
    on_identity_check_update: Output[bool]
    receive_community_digest: Output[bool]
    receive_every_message: Output[bool]
    new_avatar_url: Output[str]
    clear_avatar_file: Output[bool]
    devices: Output[str]
    support_team_user_email: Output[str]
    email_call_back_guid: Output[str]
    last_access: Output[str]
    last_login_attempt: Output[str]
    last_received_community_thread_date: Output[str]
    last_received_community_message_date: Output[str]
    next_community_digest: Output[str]
    next_help_desk_message_reminder: Output[str]
    last_help_visited: Output[int]
    invalid_login_attempts: Output[int]
    avatar_file_name: Output[str]
    """File name of the picture."""
    passport_number: Output[str]
    """Number of the Nexudus passport."""
    passport_card_number: Output[str]
    """Card number of the Nexudus passport."""
    enable_passport_access: Output[bool]
    """Whether the Nexudus passport opens doors."""
    two_factor_enabled: Output[bool]
    """Whether a second factor is on."""
    default_business_id: Output[int]
    """Id of the default business."""
    unique_id: Output[str]
    """The vendor's unique id."""
    system_id: Output[str]
    """An id of the caller's own."""
    created_on: Output[str]
    """Date-time of creation."""
    updated_on: Output[str]
    """Date-time of the last change."""
    updated_by: Output[str]
    """E-mail of who changed it last."""
    is_new: Output[bool]
    """Whether Nexudus marks the user as new."""

    def __init__(self, resource_name: str, opts: ResourceOptions | None = None, **args: Unpack[UserArgs]) -> None:
        """Declare a user. Raises pulumi.RunError where the engine would change a value; the rest fails in preview."""
        super().__init__(resource_name, args, opts)


class Account(PersonAccount):
    """An account at Nexudus of a `seatwise.Person`, with what the person's description does not say."""

    args: PersonalArgs

    def __init__(
        self,
        *,
        provider: "Provider | None" = None,
        opts: ResourceOptions | None = None,
        **args: Unpack[PersonalArgs],
    ) -> None:
        """Describe an account. An argument that is given here wins over the description."""
        super().__init__(User, args, provider, opts)


class ProviderArgs(TenantArgs, total=False):
    """Arguments of `nexudus.Provider`."""

    username: Input[str]
    """Who logs in."""
    password: Input[str]
    """The password to it."""
    token: Input[str]
    """A bearer token, instead of both."""
    client_id: Input[str]
    """The client id that logins name."""


class Provider(TenantProvider):
    """Another tenant of Nexudus, for `opts=pulumi.ResourceOptions(provider=...)`."""

    def __init__(self, resource_name: str, opts: ResourceOptions | None = None, **args: Unpack[ProviderArgs]) -> None:
        super().__init__("nexudus", resource_name, args, opts)


@dataclass(frozen=True)
class ListedUser:
    """A user as lists show them; the fields mean what they mean at `User`.

    Nexudus' lists lack roles, businesses and administrators' rights: `get_user` has them.
    """

    id: str
    email: str
    full_name: str | None
    language: int | None
    active: bool | None
    unique_id: str | None
    created_on: str | None
    updated_on: str | None
    updated_by: str | None


@dataclass(frozen=True)
class GetUserResult(ListedUser):
    """A user that is there; the fields mean what they mean at `User`, and are None where Nexudus has no value."""

    is_admin: bool | None
    api_access: bool | None
    validated: bool | None
    default_business_id: int | None
    businesses: list[int] | None
    user_roles: list[int] | None
    chat_rooms: list[int] | None


@dataclass(frozen=True)
class Business:
    """A business (a space) of the tenant."""

    id: int
    """What `businesses` wants."""
    name: str


@dataclass(frozen=True)
class UserRole:
    """A role that a business gives to users."""

    id: int
    """What `user_roles` wants."""
    name: str
    business_id: int | None = None
    """The business that it belongs to."""
    business_name: str | None = None


def _page(answer: Answer) -> Listing | None:
    """A page of any list: https://learn.nexudus.com/rest-api/sys/get-users describes them."""
    records = answer.object.get("Records")
    if not isinstance(records, list):
        return None
    pages, total = (whole_number(answer.object.get(key)) for key in ("TotalPages", "TotalItems"))
    more = answer.object.get("HasNextPage") is True
    return Listing(objects(records), more, pages, total)


BUSINESSES = Listed(
    # https://learn.nexudus.com/rest-api/sys/get-businesses
    ask=lambda page: Request("GET", "/api/sys/businesses", query={"page": page, "size": PAGE_SIZE}),
    read=_page,
    about="businesses",
    one="business",
    kind=Business,
    keys={"id": ("Id",), "name": ("Name",)},
)
USER_ROLES = Listed(
    # https://learn.nexudus.com/rest-api/security/get-userroles-by-id; the list is beside it, under `security`.
    ask=lambda page: Request("GET", "/api/security/userroles", query={"page": page, "size": PAGE_SIZE}),
    read=_page,
    about="user roles",
    one="user role",
    kind=UserRole,
    keys={"id": ("Id",), "name": ("Name",), "business_id": ("BusinessId",), "business_name": ("BusinessName",)},
    twice='Say whose it is: role_id("...", business="...")',
)


class Nexudus(Vendor):
    """Endpoints and quirks: the id in the body, the whole record in every update, 409 when throttled."""

    name = "nexudus"
    title = "Nexudus"
    schema = Schema.of(UserArgs, User.__annotations__, to_pascal)
    settings_type = Settings
    limits = (Limit(60, 60, writes=True), Limit(120, 60), Limit(1, 0.1))
    can_delete = True
    replaces = True
    lists_whole_records = False
    name_fields = ("full_name",)
    role_field = "user_roles"
    version = "updated_on"
    remembered = ("updated_on",)
    lists: ClassVar = {"user_roles": USER_ROLES, "businesses": BUSINESSES}
    retired: ClassVar[Mapping[str, Any]] = {"active": False}
    reactivated: ClassVar[Mapping[str, Any]] = {"active": True}
    described: ClassVar[Mapping[str, tuple[str, ...]]] = {**Vendor.described, "full_name": ("first_name", "last_name")}
    example: ClassVar[Values] = {
        "full_name": "Ana Ruiz",
        "email": "ana@example.com",
        "language": Language.SPANISH,
        "user_roles": [77],
        "api_access": True,
        "password": "a first password",
    }
    example_change: ClassVar[Values] = {"full_name": "Anna Ruiz", "user_roles": [77, 78], "password": "another one"}

    @classmethod
    def rules(cls, values: Values, given: frozenset[str]) -> Iterable[Problem]:
        """A whole list and its deltas contradict each other."""
        for name in ("businesses", "user_roles", "chat_rooms"):
            added, removed = f"added_{name}", f"removed_{name}"
            if name in given and given & {added, removed}:
                yield Problem(name, f"says all of them, and so cannot stand beside {added} or {removed}: give one kind")
            both = {*values.get(added, ())} & {*values.get(removed, ())}
            if both:
                yield Problem(added, f"and {removed} share {sorted(both)}: drop them from one of the two")

    def token(self) -> Token | None:
        if self.settings.token is None:
            return None
        return Token({"Authorization": f"Bearer {self.settings.token.get_secret_value()}"})

    def login(self, refresh: Any) -> Request:
        # The client id must be the same at every refresh; the vendor's default for it is the user name.
        client_id = self.settings.client_id or (self.settings.username if refresh else None)
        form = (
            {"grant_type": "refresh_token", "refresh_token": refresh}
            if refresh
            else {
                "grant_type": "password",
                "username": self.settings.username,
                "password": self.settings.password.get_secret_value(),
            }
        )
        headers = {"client_id": client_id} if client_id else {}
        return Request("POST", "/api/token", Effect.LOGIN, headers=headers, form=form)

    def granted(self, answer: Answer) -> Token:
        body, client_id = answer.object, self.settings.client_id or self.settings.username or ""
        return Token(
            {"Authorization": f"Bearer {token_text(body.get('access_token'))}"},
            expires_in=number(body.get("expires_in")),
            # A refresh must name its client in a header, in which not every user name fits.
            refresh=(token_text(body.get("refresh_token")) or None) if fits_a_header(client_id) else None,
        )

    def create(self, values: Values) -> Request:
        body = BOOKKEEPING | self.schema.body(values, Takes.CREATE)
        return Request("POST", "/api/sys/users", Effect.CREATE, json=body)

    def read(self, account: str) -> Request:
        return Request("GET", f"/api/sys/users/{segment(account)}")

    def find(self, email: str | None, page: int) -> Request:
        by_email = {} if email is None else {"User_Email": email}
        return Request("GET", "/api/sys/users", query={**by_email, "page": page, "size": PAGE_SIZE})

    def update(self, account: str, changes: Values, record: Mapping[str, Any] | None) -> Request:
        body = BOOKKEEPING | dict(record or {}) | dict.fromkeys(ACTIONS) | self.schema.body(changes, Takes.UPDATE)
        return Request("PUT", "/api/sys/users", Effect.REPEATABLE, json=body)

    def delete(self, account: str) -> Request:
        return Request("DELETE", f"/api/sys/users/{segment(account)}", Effect.REPEATABLE)

    def record(self, answer: Answer) -> Mapping[str, Any] | None:
        return answer.object if answer.object.get("Id") else None

    def account_id(self, record: Mapping[str, Any]) -> str | None:
        return identifier(record.get("Id"))

    def created(self, answer: Answer) -> str | None:
        value = answer.object.get("Value")
        return self.account_id(value) if isinstance(value, dict) else None

    def found(self, answer: Answer) -> Listing | None:
        return _page(answer)

    def succeeded(self, answer: Answer) -> bool:
        return answer.ok and answer.object.get("WasSuccessful") is not False

    def confirmed(self, answer: Answer) -> bool:
        return answer.object.get("WasSuccessful") is True

    def missing(self, answer: Answer) -> bool:
        """What an unknown id gets is not documented: 404, or 200 with nothing in it."""
        return super().missing(answer) or (answer.ok and answer.body.strip() in (b"", b"null"))

    def taken(self, answer: Answer) -> bool:
        """The text is not documented: an error on `Email` in the words of such refusals elsewhere."""
        errors = answer.object.get("Errors")
        known = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
        texts = [str(each.get("Message")) for each in known if each.get("PropertyName") == "Email"]
        return answer.status == 409 or any(re.search("already|exist|taken|in use|unique", text) for text in texts)

    def wait(self, answer: Answer) -> bool:
        """Nexudus throttles with 409 and `Retry-After`; a 409 without it is a conflict."""
        return super().wait(answer) or (answer.status == 409 and retry_after(answer.headers) is not None)


# --- looking things up ------------------------------------------------------------------------


def get_user(email: Input[str], *, provider: Provider | None = None) -> Output[GetUserResult]:
    """The user with this e-mail, whose account need not be in this stack. That there is none is an error."""
    return ask(Nexudus, provider, lambda lookups, email: lookups.user(GetUserResult, email), email)


def get_users(*, active: Input[bool] | None = None, provider: Provider | None = None) -> Output[list[ListedUser]]:
    """All users, or those who are (in)active."""
    return ask(Nexudus, provider, _users, active)


async def _users(lookups: Lookups, active: bool | None) -> list[ListedUser]:
    where: dict[str, Callable[[Any], bool]] = {}
    if active is not None:
        wanted = lookups.flag("active", active)
        where["active"] = lambda value: value == wanted
    return await lookups.users(ListedUser, where)


def get_businesses(*, provider: Provider | None = None) -> Output[list[Business]]:
    """All businesses (spaces)."""
    return ask(Nexudus, provider, lambda lookups: lookups.items(BUSINESSES))


def get_user_roles(
    *, business: Input[int] | Input[str] | None = None, provider: Provider | None = None
) -> Output[list[UserRole]]:
    """All roles of users, or those of one business, by its id or name."""
    return ask(Nexudus, provider, _user_roles, business)


async def _user_roles(lookups: Lookups, business: int | str | None) -> list[UserRole]:
    roles = await lookups.items(USER_ROLES)
    if business is None:
        return roles
    number = (await lookups.by_name(BUSINESSES, business)).id if isinstance(business, str) else business
    return [role for role in roles if role.business_id == number]


def role_id(
    name: Input[str], *, business: Input[int] | Input[str] | None = None, provider: Provider | None = None
) -> Output[int]:
    """The id of the role with this name, for `user_roles`; none or several of that name are an error.

    Roles of one name in several businesses are told apart by the `business`, its id or name.
    """
    return ask(Nexudus, provider, _role, name, business).apply(lambda role: role.id)


async def _role(lookups: Lookups, name: str, business: int | str | None) -> UserRole:
    return await lookups.by_name(USER_ROLES, name, await _user_roles(lookups, business))


def business_id(name: Input[str], *, provider: Provider | None = None) -> Output[int]:
    """The id of the business with this name, for `businesses`; none or several of that name are an error."""
    return ask(Nexudus, provider, lambda lookups, name: lookups.by_name(BUSINESSES, name), name).apply(
        lambda business: business.id
    )


VENDOR = Nexudus
