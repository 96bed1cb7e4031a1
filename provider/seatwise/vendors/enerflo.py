"""Enerflo, a CRM for solar installers.

- Create: https://docs.enerflo.io/reference/add-a-user
- Update: https://docs.enerflo.io/reference/update-a-user
- Read:   https://docs.enerflo.io/reference/get-user-info, all: https://docs.enerflo.io/reference/get-all-users
- Limits: https://docs.enerflo.io/docs/api-rate-limits

There is no way to delete a user, and the e-mail of a deleted one stays reserved for all companies.
The API key is an admin matter: Enerflo Support hands it out. The name of its header is seen in clients only.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Unpack

from pulumi import Input, Output, ResourceOptions

from ..core.queries.lookup import Lookups
from ..core.vendor.boundary import Json, Record
from ..core.vendor.field_types import Email, FirstAndOthers, Password, Phone
from ..core.vendor.fields import CREATE_ONLY, RESPELLED, UNREADABLE, UPDATE_ONLY, Compare, Problem, Takes, Values, Wire
from ..core.vendor.http import Answer, Effect, Request, identifier, json_object, objects, texts, whole_number
from ..core.vendor.rehearsal import Assumption, Rehearsal
from ..core.vendor.slugs import SlugList
from ..core.vendor.vendor import Before, Limit, Listing, Named, NameList, Token, Vendor
from ..resources.fields import OPTIONAL, Arg, Args, Fields, Key, ListArg, ReadOnly, WriteOnly, read_only
from ..resources.lookup import IdLookup, ListLookup, LookupResult, UserLookup, ask
from ..resources.provider import KeyArgs, TenantProvider
from ..resources.user import AccountArgs, PersonAccount, UserResource, schema_of
from ..wire import settings

PAGE_SIZE = 100
SALES_REP = "Sales Rep"
ROLES = SlugList("roles", "role_slugs", unlike={"agent": SALES_REP, "supercompany": "Super Admin"})  # two are known
Roles = Annotated[list[str], Compare(ROLES.forms, how="Name or slug, in any order")]


class Settings(settings.Settings):
    """The address of Enerflo, and the API key."""

    base_url: settings.BaseUrl = "https://enerflo.io"
    api_key: settings.HeaderSecret


class IdentityFields(Fields):
    """The arguments that `enerflo.User` requires and the description of a person gives."""

    email: Key[Email]
    """The login. Unique among all companies of Enerflo."""


class OwnFields(AccountArgs):
    """The fields that are particular to Enerflo, and those that are optional."""

    roles: ListArg[Annotated[Roles, RESPELLED], str]
    """Role Names ("Sales Rep"), not slugs. Removing a role that still owns surveys or appointments fails."""
    first_name: Arg[str] = OPTIONAL
    """First name."""
    last_name: Arg[str] = OPTIONAL
    """Last name."""
    phone: Arg[Phone] = OPTIONAL
    """Ten digits, in any spelling."""
    manager_email: Arg[Email] = OPTIONAL
    """E-mail of the manager."""
    active: Arg[Annotated[bool, UPDATE_ONLY]] = OPTIONAL
    """Whether the user can log in."""
    office_ids: ListArg[Annotated[FirstAndOthers, UPDATE_ONLY], int] = OPTIONAL
    """Ids of offices. The first counts for all roles, the others for a regional manager only."""
    office_id: Arg[Annotated[str, CREATE_ONLY]] = OPTIONAL
    """Id of the office; Sales Rep only."""
    manager_id: Arg[Annotated[int, CREATE_ONLY]] = OPTIONAL
    """Id of the manager; Sales Rep only; wins over `manager_email`."""
    timezone: Arg[Annotated[str, CREATE_ONLY]] = OPTIONAL
    """Home time zone, such as "America/Denver"."""
    external_user_id: Arg[Annotated[str, CREATE_ONLY]] = OPTIONAL
    """Id of the user in another system."""
    notify_email: Arg[Annotated[bool, CREATE_ONLY, UNREADABLE]] = OPTIONAL
    """Whether a welcome e-mail is sent (default: no)."""
    allow_optimus: Arg[Annotated[bool, CREATE_ONLY]] = OPTIONAL
    """Access to the proposal tool (default: no)."""
    can_create_customers: Arg[Annotated[bool, CREATE_ONLY]] = OPTIONAL
    """Whether new customers and leads may be created (the vendor's default: yes)."""
    can_reassign_leads: Arg[Annotated[bool, CREATE_ONLY]] = OPTIONAL
    """Whether leads may be given to others (the vendor's default: yes)."""
    password: WriteOnly[Annotated[Password, CREATE_ONLY]] = OPTIONAL
    """The first password; without it the user picks one. Write-only."""
    name: ReadOnly[str] = read_only()
    """First and last name."""
    company_id: ReadOnly[int] = read_only()
    """Id of the user's company."""
    valid_email: ReadOnly[bool] = read_only()
    """Whether Enerflo could deliver to the e-mail."""
    role_slugs: ReadOnly[Annotated[Roles, Wire(read="roles")]] = read_only()
    """The roles as Enerflo returns them."""


class UserArgs(IdentityFields, OwnFields, Args):
    """Arguments of `enerflo.User`."""


class User(IdentityFields, OwnFields, UserResource):
    """A user of Enerflo (https://docs.enerflo.io/reference/add-a-user).

    Never read back: `notify_email`. Read back where Enerflo's answer holds it: `manager_email`, `manager_id`,
    `office_id`, `office_ids` and the `can_...` and `allow_...` flags; otherwise they keep their last declared value.
    """


class ProviderArgs(KeyArgs, total=False):
    """Arguments of `enerflo.Provider`."""


class Provider(TenantProvider):
    """Another tenant of Enerflo, for `opts=pulumi.ResourceOptions(provider=...)`."""

    def __init__(self, resource_name: str, opts: ResourceOptions | None = None, **args: Unpack[ProviderArgs]) -> None:
        super().__init__(resource_name, args, opts)


class Account(PersonAccount, OwnFields):
    """An account at Enerflo of a `seatwise.Person`, with what the person's description does not say."""

    user = User
    provider: Provider | None = OPTIONAL
    email: Key[Email] = OPTIONAL
    """The login. Unique among all companies of Enerflo."""


SHOWN = (
    "email", "first_name", "last_name", "name", "phone", "active", "roles", "role_slugs", "office_ids", "manager_email",
    "timezone", "external_user_id", "company_id",
)  # fmt: skip


class GetUserResult(LookupResult, IdentityFields, OwnFields, init=False, shows=SHOWN):
    """A user that a look-up found; the fields mean what they mean at `User`, and are None where Enerflo shows none.

    `roles` are the Names that the slugs most likely stand for. Fields that are not in its `repr`, such as
    `allow_optimus`, are always None.
    """


@dataclass(frozen=True)
class Office(Named):
    """An office of the tenant."""

    id: int
    """The id for `office_ids`."""


def _page(answer: Answer) -> Listing | None:
    """Return a page of API v3. Without `totalPages` a short one need not be the last: sizes are not documented."""
    results, page, pages = (answer.object.get(key) for key in ("results", "page", "totalPages"))
    if not isinstance(results, list):
        return None
    records, count = objects(results), whole_number(pages)
    if count is None:
        return Listing(records, bool(records), is_open=0 < len(records) < PAGE_SIZE)
    return Listing(records, page < count if isinstance(page, int) else len(records) >= PAGE_SIZE, count)


OFFICES = NameList(
    # Seen in a client that quotes https://docs.enerflo.io/reference/get-details-about-all-offices; what one office
    # looks like there is not known, elsewhere its keys have the longer names.
    path="/api/v3/offices",
    read=_page,
    about="offices",
    kind=Office,
    keys={"id": ("id", "office_id"), "name": ("name", "office_name")},
)

REHEARSAL = Rehearsal(
    values={"office_ids": None},
    changes={"roles": None, "phone": "(555) 010-0002"},
    assumptions={
        "repeated": Assumption(
            source="https://intercom.help/enerflo/en/articles/12834409-admins-how-to-create-a-user",
            remedy="look for a second account in the admin page",
        ),
        "whole list": Assumption(source="https://docs.enerflo.io/reference/get-all-users"),
        "inactive listed": Assumption(remedy="nothing to do: seatwise reads a user by the id if no list shows it"),
        "deactivated": Assumption(source="https://docs.enerflo.io/reference/update-a-user"),
        "key": Assumption("what a key may do, whether it expires, and what a wrong key gets"),
        "roles": Assumption("the full list of role Names and of their slugs"),
        "time zones": Assumption("time zones other than the eight on the page"),
    },
)


class Enerflo(Vendor):
    """Endpoints and quirks: ids in bodies, roles written as Names and read as slugs, HTML when throttled."""

    schema = schema_of(User, str)
    settings_type = Settings
    path = "/api/v3/users"
    answer_keys = ("data", "meta", "total", "per_page", "current_page", "last_page", "user", "users", "role_slugs")
    create_path = "/api/v1/users"
    create_defaults: ClassVar = {"notify_email": False, "allow_optimus": False}
    limits = (Limit(300, 60),)
    verdict = ("success", True, False)  # the shape of the answer is not documented
    finds_by_email = False
    remembered = ("role_slugs",)
    lists: ClassVar = {"offices": OFFICES}
    rehearsal = REHEARSAL
    example: ClassVar[Values] = {
        "email": "ana@example.com",
        "roles": ["Sales Rep"],
        "first_name": "Ana",
        "last_name": "Ruiz",
        "phone": "(555) 010-0001",
        "office_ids": [12],
        "timezone": "America/Denver",
        "password": "a first password",
    }
    example_change: ClassVar[Values] = {"first_name": "Anna", "roles": ["Sales Rep", "Regional Manager"]}

    @classmethod
    def rules(cls, values: Values, given: frozenset[str]) -> Iterable[Problem]:
        """Yield a problem for each office or manager id without the Sales Rep role."""
        if "roles" in values and ROLES.form(SALES_REP) not in ROLES.forms(values["roles"]):
            for name in ("manager_id", "office_id"):
                if name in given:
                    yield Problem(name, f'can only be set with the role "{SALES_REP}": add the role or drop {name}')

    def token(self) -> Token:
        return Token({"api-key": self.settings.api_key.get_secret_value()})

    def request_page(self, email: str | None, page: int) -> Request:
        # No filter by e-mail is known: the whole list, page by page.
        return Request("GET", self.path, query={"page": page, "pageSize": PAGE_SIZE})

    def request_inactive_page(self, page: int) -> Request | None:
        # Undocumented; seen in one client.
        return Request("GET", self.path, query={"page": page, "pageSize": PAGE_SIZE, "status": "inactive"})

    def request_update(self, account: str, changes: Values, record: Record | None) -> Request:
        body = {"id": account} | self.schema.body(changes, Takes.UPDATE)
        return Request("PUT", self.path, Effect.REPEATABLE, json=body)

    def parse_record(self, answer: Answer) -> Record | None:
        user = _unwrapped(answer.object)
        return None if user is None else _normal(user)

    def parse_page(self, answer: Answer) -> Listing | None:
        page = _page(answer)
        return page and replace(page, records=[_normal(user) for user in page.records])

    def is_taken(self, answer: Answer) -> bool:
        """Return whether the refusal has the documented text; its shape is not documented."""
        reasons = answer.object.get("errors")
        text = str(reasons.get("email")) if isinstance(reasons, dict) else answer.text
        return "already been taken" in text

    def parse_message(self, answer: Answer) -> str:
        """Return the reasons, which Laravel puts under `errors`, by field; a refusal may also be plain text.

        If the status is 2xx, a body of another kind is not quoted: it may be a person's record.
        """
        reasons = answer.object.get("errors")
        if isinstance(reasons, dict | list):
            return " ".join(texts(reasons))
        kind = answer.headers.get("content-type", "").lower()
        is_text = kind.startswith("text/plain") if answer.ok else "html" not in kind
        return answer.text if is_text and answer.json is None else super().parse_message(answer)

    def to_program_values(self, values: Values) -> Values:
        return ROLES.with_names(values)

    def reconcile_outputs(self, outs: Values, declared: Values, before: Values) -> Values:
        return ROLES.reconcile(outs, declared, before)

    def denies_write(self, changes: Values, before: Before, after: Values) -> bool:
        return ROLES.denies_write(changes, before, after)


def _unwrapped(body: Record) -> Record | None:
    """Return the user in an answer whose shape is not documented: under `user`, `data`, `results` or bare."""
    for key in ("user", "data", "results"):
        inner = body.get(key)
        inner = inner[0] if isinstance(inner, list) and len(inner) == 1 else inner
        if isinstance(inner, dict):
            return _unwrapped(inner)
    return body if body.get("id") else None


def _normal(user: Record) -> Record:
    """Return a record in one shape: `roles` as a list of texts, flags and the external id at the top."""
    agent = json_object(user.get("agent"))
    normal = {**json_object(user.get("meta")), **user}
    if "external_user_id" in agent:
        normal.setdefault("external_user_id", agent["external_user_id"])
    roles = user.get("roles", user.get("role"))
    if roles is not None:
        several = roles.split(",") if isinstance(roles, str) else roles if isinstance(roles, list) else [roles]
        slugs = [_slug(role) for role in several]
        # A role that cannot be read makes the list unreadable: the user would seem to have fewer roles.
        normal["roles"] = roles if None in slugs else [slug for slug in slugs if slug]
    return normal


def _slug(role: Json) -> str | None:
    """Return a role's slug, else its name or id; empty if these have no value, None if the role cannot be read."""
    if isinstance(role, dict):
        named = [role[key] for key in ("slug", "name", "id") if key in role]
        if role and not named:
            return None
        role = next((each for each in named if each), "")
    if role is None or role == "":
        return ""
    text = identifier(role)
    return text and text.strip()


# --- looking things up ------------------------------------------------------------------------


get_user = UserLookup(Enerflo, Provider, GetUserResult)
"""The user with this e-mail, whose account need not be in this stack. If no user has it, it is an error."""
get_offices = ListLookup(Enerflo, Provider, OFFICES)
"""All offices."""
office_id = IdLookup(Enerflo, Provider, OFFICES, Office)
"""The id of the office with this name, for `office_ids`. If none or several have the name, it is an error."""


def get_users(
    *, role: Input[str] | None = None, active: Input[bool] | None = None, provider: Provider | None = None
) -> Output[list[GetUserResult]]:
    """Return all users that Enerflo lists: with this role (Name or slug), or who can or cannot log in.

    Whether users who cannot log in are listed is not documented.
    """
    return ask(Enerflo, provider, _users, role, active)


async def _users(lookups: Lookups, role: str | None, active: bool | None) -> list[GetUserResult]:
    found = await lookups.users(GetUserResult, {"role_slugs": role}, active)
    if role is not None and not found:
        shown = {slug for user in await lookups.users(GetUserResult) for slug in user.role_slugs or ()}
        if ROLES.form(role) not in ROLES.forms(shown):  # perhaps a slug that is unlike its Name
            names = ", ".join(sorted(shown))
            lookups.warn(f"Enerflo lists no user with the role {role}; roles as it shows them: {names}")
    return found


VENDOR = Enerflo
