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
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Self, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic import SecretStr, model_validator
from pydantic.alias_generators import to_pascal

from ..core.queries.lookup import Lookups
from ..core.vendor.boundary import Record
from ..core.vendor.field_types import DateTime, Email, IdSet, Password, by_name, one_of
from ..core.vendor.fields import SECRET, UNREADABLE, VOLATILE, Delta, Takes, Values, Wire
from ..core.vendor.http import Answer, Effect, Request, fits_a_header, json_object, objects, retry_after
from ..core.vendor.rehearsal import Assumption, Rehearsal
from ..core.vendor.vendor import Limit, Listing, Named, NameList, Refresh, Token, Vendor
from ..resources.fields import OPTIONAL, Arg, Args, Fields, Key, ListArg, ReadOnly, WriteOnly, read_only
from ..resources.lookup import IdLookup, ListLookup, LookupResult, UserLookup, UsersLookup, ask
from ..resources.provider import LoginArgs, TenantProvider
from ..resources.user import AccountArgs, PersonAccount, UserResource, schema_of
from ..wire import settings

WAY_TO_ONE_ROLE = 'Say whose it is: role_id("...", business="...")'
# Required on every write, and the provider's business unless the program says otherwise.
BOOKKEEPING = {"PasswordSalt": "", "LastHelpVisited": 0, "InvalidLoginAttempts": 0}
# A record holds these keys; sending one back would act on it.
ACTIONS = ("Password", "NewPassword", "NewAvatarUrl", "ClearAvatarFile")
ADDRESS = re.compile(r"[^\s:;,(<'\"]{1,64}@[\w.-]+")
TAKEN = re.compile(r"already|(?<!not )(?<!n['\u2019]t )(?<!no longer )\b(exists?|in use)\b|\btaken\b|unique")


class Language(enum.IntEnum):
    """Languages of the back office."""

    ENGLISH_US = 1
    SPANISH = 2
    ENGLISH_UK = 3


class Settings(settings.Settings):
    """The login at Nexudus, or a bearer token from elsewhere."""

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


class IdentityFields(Fields):
    """The arguments that `nexudus.User` requires and the description of a person gives."""

    full_name: Arg[str]
    """Full name."""
    email: Key[Email]
    """The login."""


class ListedFields(Fields):
    """The fields that lists of users show, besides `IdentityFields`."""

    language: Arg[Annotated[int, by_name(Language), one_of(Language)]]
    """A `Language`."""
    active: Arg[bool] = OPTIONAL
    """Whether the user is active."""
    unique_id: ReadOnly[str] = read_only()
    """The vendor's unique id."""
    created_on: ReadOnly[str] = read_only()
    """Date-time of creation."""
    updated_on: ReadOnly[str] = read_only()
    """Date-time of the last change."""
    updated_by: ReadOnly[str] = read_only()
    """E-mail of the person who changed it last."""


class OwnFields(AccountArgs, ListedFields):
    """The fields that are particular to Nexudus, and those that are optional."""

    is_admin: Arg[bool] = OPTIONAL
    """Whether the user is a full administrator."""
    api_access: Arg[Annotated[bool, Wire.everywhere("APIAccess")]] = OPTIONAL
    """Whether the user may use the API."""
    validated: Arg[bool] = OPTIONAL
    """Whether the e-mail counts as validated."""
    must_reset_password: Arg[bool] = OPTIONAL
    """Whether the next login asks for a new password."""
    preferred_language_id: Arg[int] = OPTIONAL
    """Id of the preferred language."""
    application_id: Arg[int] = OPTIONAL
    """Id of the application."""
    businesses: ListArg[IdSet, int] = OPTIONAL
    """Ids of all businesses (spaces) of the user."""
    added_businesses: ListArg[Annotated[IdSet, Delta("businesses", present=True)], int] = OPTIONAL
    """Ids of businesses the user must have; others are left alone."""
    removed_businesses: ListArg[Annotated[IdSet, Delta("businesses", present=False)], int] = OPTIONAL
    """Ids of businesses the user must not have; others are left alone."""
    user_roles: ListArg[IdSet, int] = OPTIONAL
    """Ids of all roles of the user."""
    added_user_roles: ListArg[Annotated[IdSet, Delta("user_roles", present=True)], int] = OPTIONAL
    """Ids of roles the user must have; others are left alone."""
    removed_user_roles: ListArg[Annotated[IdSet, Delta("user_roles", present=False)], int] = OPTIONAL
    """Ids of roles the user must not have; others are left alone."""
    chat_rooms: ListArg[IdSet, int] = OPTIONAL
    """Ids of all chat rooms of the user."""
    added_chat_rooms: ListArg[Annotated[IdSet, Delta("chat_rooms", present=True)], int] = OPTIONAL
    """Ids of chat rooms the user must be in; others are left alone."""
    removed_chat_rooms: ListArg[Annotated[IdSet, Delta("chat_rooms", present=False)], int] = OPTIONAL
    """Ids of chat rooms the user must not be in; others are left alone."""
    on_new_email: Arg[bool] = OPTIONAL
    """Notify about new e-mails."""
    on_help_desk_msg: Arg[bool] = OPTIONAL
    """Notify about help desk messages."""
    on_new_wall_post: Arg[bool] = OPTIONAL
    """Notify about new posts."""
    on_new_member: Arg[bool] = OPTIONAL
    """Notify about new members."""
    on_profile_changes: Arg[bool] = OPTIONAL
    """Notify about changed profiles."""
    on_new_blog_comment: Arg[bool] = OPTIONAL
    """Notify about comments on the blog."""
    on_new_event_comment: Arg[bool] = OPTIONAL
    """Notify about comments on events."""
    on_tariff_change: Arg[bool] = OPTIONAL
    """Notify about changed tariffs."""
    on_booking_change: Arg[bool] = OPTIONAL
    """Notify about changed bookings."""
    on_tentative_booking_change: Arg[bool] = OPTIONAL
    """Notify about changed tentative bookings."""
    on_purchases: Arg[bool] = OPTIONAL
    """Notify about purchases."""
    on_visitor_registration: Arg[bool] = OPTIONAL
    """Notify about registered visitors."""
    on_platform_invoices: Arg[Annotated[bool, Wire.everywhere("OnPlaformInvoices")]] = OPTIONAL
    """Notify about invoices of the platform (the vendor's own spelling lacks a t)."""
    on_access_control_errors: Arg[bool] = OPTIONAL
    """Notify about errors of access control."""
    on_member_removed_from_team: Arg[bool] = OPTIONAL
    """Notify about members removed from teams."""
    on_virtual_office_tariff_change: Arg[bool] = OPTIONAL
    """Notify about changed tariffs of virtual offices."""
    on_virtual_office_delivery_preference_update: Arg[bool] = OPTIONAL
    """Notify about changed delivery preferences of virtual offices."""
    on_identity_check_update: Arg[bool] = OPTIONAL
    """Notify about identity checks."""
    receive_community_digest: Arg[bool] = OPTIONAL
    """Whether the community digest is sent."""
    receive_every_message: Arg[bool] = OPTIONAL
    """Whether every message is sent."""
    new_avatar_url: Arg[Annotated[str, UNREADABLE]] = OPTIONAL
    """URL of a picture to upload when this changes."""
    clear_avatar_file: Arg[Annotated[bool, UNREADABLE]] = OPTIONAL
    """True removes the picture when this changes."""
    devices: Arg[Annotated[str, VOLATILE]] = OPTIONAL
    """Devices of the user."""
    support_team_user_email: Arg[Email] = OPTIONAL
    """E-mail of the user in the support team."""
    email_call_back_guid: Arg[Annotated[str, VOLATILE]] = OPTIONAL
    """GUID of the e-mail call back."""
    last_access: Arg[Annotated[DateTime, VOLATILE]] = OPTIONAL
    """Date-time of the last access."""
    last_login_attempt: Arg[Annotated[DateTime, VOLATILE]] = OPTIONAL
    """Date-time of the last attempt to log in."""
    last_received_community_thread_date: Arg[Annotated[DateTime, VOLATILE]] = OPTIONAL
    """Date-time of the last community thread sent."""
    last_received_community_message_date: Arg[Annotated[DateTime, VOLATILE]] = OPTIONAL
    """Date-time of the last community message sent."""
    next_community_digest: Arg[Annotated[DateTime, VOLATILE]] = OPTIONAL
    """Date-time of the next community digest."""
    next_help_desk_message_reminder: Arg[Annotated[DateTime, VOLATILE]] = OPTIONAL
    """Date-time of the next help desk reminder."""
    last_help_visited: Arg[Annotated[int, VOLATILE]] = OPTIONAL
    """Bookkeeping of the vendor; kept as it is unless given."""
    invalid_login_attempts: Arg[Annotated[int, VOLATILE]] = OPTIONAL
    """Bookkeeping of the vendor; kept as it is unless given."""
    password: WriteOnly[Password] = OPTIONAL
    """The password. Write-only."""
    new_password: WriteOnly[Password] = OPTIONAL
    """A new password. Write-only."""
    password_salt: WriteOnly[Password] = OPTIONAL
    """Bookkeeping of the vendor; kept as it is unless given. Write-only."""
    access_token: WriteOnly[Password] = OPTIONAL
    """Access token. Write-only."""
    two_factor_secret: WriteOnly[Annotated[str, SECRET]] = OPTIONAL
    """Secret of the second factor. Write-only."""
    avatar_file_name: ReadOnly[str] = read_only()
    """File name of the picture."""
    passport_number: ReadOnly[str] = read_only()
    """Number of the Nexudus passport."""
    passport_card_number: ReadOnly[str] = read_only()
    """Card number of the Nexudus passport."""
    enable_passport_access: ReadOnly[bool] = read_only()
    """Whether the Nexudus passport opens doors."""
    two_factor_enabled: ReadOnly[bool] = read_only()
    """Whether a second factor is on."""
    default_business_id: ReadOnly[int] = read_only()
    """Id of the default business."""
    system_id: ReadOnly[str] = read_only()
    """An id of the caller's own."""
    is_new: ReadOnly[bool] = read_only()
    """Whether Nexudus marks the user as new."""


class UserArgs(IdentityFields, OwnFields, Args):
    """Arguments of `nexudus.User`."""


class User(IdentityFields, OwnFields, UserResource):
    """An administrator or staff member at Nexudus (https://learn.nexudus.com/rest-api/sys/post-users).

    Never read back: `new_avatar_url`, `clear_avatar_file` and the secrets.
    """


class ProviderArgs(LoginArgs, total=False):
    """Arguments of `nexudus.Provider`."""

    token: Input[str]
    """A bearer token, instead of both."""
    client_id: Input[str]
    """The client id that logins name."""


class Provider(TenantProvider):
    """Another tenant of Nexudus, for `opts=pulumi.ResourceOptions(provider=...)`."""

    def __init__(self, resource_name: str, opts: ResourceOptions | None = None, **args: Unpack[ProviderArgs]) -> None:
        super().__init__(resource_name, args, opts)


class Account(PersonAccount, OwnFields):
    """An account at Nexudus of a `seatwise.Person`, with what the person's description does not say."""

    user = User
    provider: Provider | None = OPTIONAL
    full_name: Arg[str] = OPTIONAL
    """Full name."""
    email: Key[Email] = OPTIONAL
    """The login."""


IN_LISTS = ("email", "full_name", "language", "active", "unique_id", "created_on", "updated_on", "updated_by")
# Not the numbers of passports, the dates of log-ins and the like, which `User` has as outputs.
IN_FULL = ("is_admin", "api_access", "validated", "default_business_id", "businesses", "user_roles", "chat_rooms")


class ListedUser(LookupResult, IdentityFields, ListedFields, init=False, shows=IN_LISTS):
    """A user as lists show them; the fields mean what they mean at `User`, and are None where Nexudus has no value.

    Nexudus' lists lack roles, businesses and administrators' rights: `get_user` has them.
    """


class GetUserResult(ListedUser, OwnFields, init=False, shows=IN_FULL):
    """A user as `get_user` finds it; the fields mean what they mean at `User`, and are None where Nexudus has none.

    Fields that are not in its `repr`, such as `on_new_email`, are always None.
    """


@dataclass(frozen=True)
class Business(Named):
    """A business (a space) of the tenant."""

    id: int
    """The id for `businesses`."""


@dataclass(frozen=True)
class UserRole(Named):
    """A role that a business gives to users."""

    id: int
    """The id for `user_roles`."""
    business_id: int | None = None
    """The business that it belongs to."""
    business_name: str | None = None


# https://learn.nexudus.com/rest-api/sys/get-businesses
BUSINESSES = NameList(path="/api/sys/businesses", about="businesses", kind=Business)
# https://learn.nexudus.com/rest-api/security/get-userroles-by-id; the list is beside it, under `security`.
USER_ROLES = NameList(path="/api/security/userroles", about="user roles", kind=UserRole, twice=WAY_TO_ONE_ROLE)

REHEARSAL = Rehearsal(
    values={"user_roles": None, "api_access": None, "must_reset_password": True},
    changes={"user_roles": None, "language": Language.ENGLISH_US, "must_reset_password": False},
    assumptions={
        "id": Assumption(source="https://developers.nexudus.com/rest-api/sys/post-users"),
        "whole list": Assumption(source="https://learn.nexudus.com/rest-api/sys/get-users"),
        "deactivated": Assumption(source="https://learn.nexudus.com/rest-api/sys/put-users"),
        "listed record": Assumption(source="https://learn.nexudus.com/rest-api/sys/get-users-batch.md"),
        "secrets": Assumption(source="https://learn.nexudus.com/rest-api/sys/get-users-by-id"),
        "omitted": Assumption(source="https://learn.nexudus.com/sdk/updating-records.md"),
        "login": Assumption("whether the user that logs in needs api_access"),
        "e-mail of a deleted user": Assumption("whether the e-mail of a deleted user is free again"),
        "zone": Assumption("whether a moment without a zone is UTC"),
        "passwords": Assumption("whether password and new_password differ"),
    },
)


class Nexudus(Vendor):
    """Endpoints and quirks: the id in the body, the whole record in every update, 409 when throttled."""

    schema = schema_of(User, to_pascal)
    settings_type = Settings
    path = "/api/sys/users"
    answer_keys = ("Records", "HasNextPage", "TotalPages", "TotalItems", "Value", "WasSuccessful", "PropertyName")
    create_defaults = BOOKKEEPING
    id_key = "Id"
    limits = (Limit(60, 60, writes=True), Limit(120, 60), Limit(1, 0.1))
    verdict = ("WasSuccessful", True, False)
    can_delete = True
    replaces = True
    lists_whole_records = False
    name_fields = ("full_name",)
    role_field = "user_roles"
    version = "updated_on"
    remembered = ("updated_on",)
    lists: ClassVar = {"user_roles": USER_ROLES, "businesses": BUSINESSES}
    rehearsal = REHEARSAL
    example: ClassVar[Values] = {
        "full_name": "Ana Ruiz",
        "email": "ana@example.com",
        "language": Language.SPANISH,
        "user_roles": [77],
        "api_access": True,
        "password": "a first password",
    }
    example_change: ClassVar[Values] = {"full_name": "Anna Ruiz", "user_roles": [77, 78], "password": "another one"}

    def request_login(self, refresh: Refresh | None) -> Request:
        # The client id must be the same at every refresh; the vendor's default for it is the user name.
        client_id = self.settings.client_id or (self.settings.username if refresh else None)
        if isinstance(refresh, str):
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
        else:
            password = self.settings.password.get_secret_value()
            form = {"grant_type": "password", "username": self.settings.username, "password": password}
        headers = {"client_id": client_id} if client_id else {}
        return Request("POST", "/api/token", Effect.LOGIN, headers=headers, form=form)

    def parse_token(self, answer: Answer) -> Token:
        token, client_id = super().parse_token(answer), self.settings.client_id or self.settings.username or ""
        # A refresh must name its client in a header, in which not every user name fits.
        return token if fits_a_header(client_id) else replace(token, refresh=None)

    def request_page(self, email: str | None, page: int) -> Request:
        by_email = {} if email is None else {"User_Email": email}
        return Request("GET", self.path, query={**by_email, "page": page, "size": 100})

    def request_update(self, account: str, changes: Values, record: Record | None) -> Request:
        body = BOOKKEEPING | dict(record or {}) | dict.fromkeys(ACTIONS) | self.schema.body(changes, Takes.UPDATE)
        return Request("PUT", self.path, Effect.REPEATABLE, json=body)

    def parse_created_id(self, answer: Answer) -> str | None:
        return self.parse_id(json_object(answer.object.get("Value")))

    def parse_page(self, answer: Answer) -> Listing | None:
        """Return a page of any list: https://learn.nexudus.com/rest-api/sys/get-users describes them."""
        records, more, pages, total = map(answer.object.get, ("Records", "HasNextPage", "TotalPages", "TotalItems"))
        return Listing.of(records, more=more is True, pages=pages, total=total)

    def is_confirmed(self, answer: Answer) -> bool:
        return answer.object.get("WasSuccessful") is True

    def is_missing(self, answer: Answer) -> bool:
        """Return whether the answer is a 404, or a 2xx without content: what an unknown id gets is not documented."""
        return super().is_missing(answer) or (answer.ok and answer.body.strip() in (b"", b"null"))

    def is_taken(self, answer: Answer) -> bool:
        """Return whether an error on `Email` has the words of such refusals elsewhere: the text is not documented."""
        errors = [each for each in objects(answer.object.get("Errors")) if each.get("PropertyName") == "Email"]
        texts = [ADDRESS.sub("", str(each.get("Message")).lower()) for each in errors]
        return answer.status == 409 or any(map(TAKEN.search, texts))

    def is_throttled(self, answer: Answer) -> bool:
        """Return whether Nexudus throttled the request: a 409 with `Retry-After`; a 409 without it is a conflict."""
        return super().is_throttled(answer) or (answer.status == 409 and retry_after(answer.headers) is not None)


# --- looking things up ------------------------------------------------------------------------


OneBusiness = Input[int] | Input[str] | None
"""The id or the name of a business; None for all."""
get_user = UserLookup(Nexudus, Provider, GetUserResult)
"""The user with this e-mail, whose account need not be in this stack. If no user has it, it is an error."""
get_users = UsersLookup(Nexudus, Provider, ListedUser)
"""All users, or only the active or inactive users."""
get_businesses = ListLookup(Nexudus, Provider, BUSINESSES)
"""All businesses (spaces)."""
business_id = IdLookup(Nexudus, Provider, BUSINESSES, Business)
"""The id of the business with this name, for `businesses`. If none or several have the name, it is an error."""


def get_user_roles(*, business: OneBusiness = None, provider: Provider | None = None) -> Output[list[UserRole]]:
    """Return all roles of users, or the roles of one business, by its id or name."""
    return ask(Nexudus, provider, _user_roles, business)


async def _user_roles(lookups: Lookups, business: int | str | None) -> list[UserRole]:
    roles = await lookups.items(USER_ROLES)
    number = (await lookups.by_name(BUSINESSES, business)).id if isinstance(business, str) else business
    return [role for role in roles if number in (None, role.business_id)]


def role_id(name: Input[str], *, business: OneBusiness = None, provider: Provider | None = None) -> Output[int]:
    """Return the id of the role with this name, for `user_roles`; none or several of that name are an error.

    If roles in several businesses have one name, `business` (an id or a name) says which of them is meant.
    """
    return ask(Nexudus, provider, _role, name, business).apply(lambda role: role.id)


async def _role(lookups: Lookups, name: str, business: int | str | None) -> UserRole:
    return await lookups.by_name(USER_ROLES, name, await _user_roles(lookups, business))


VENDOR = Nexudus
