"""SCIM 2.0, the protocol that many services speak for their accounts.

- Resources: https://www.rfc-editor.org/rfc/rfc7643
- Requests: https://www.rfc-editor.org/rfc/rfc7644
- Cursors: https://www.rfc-editor.org/rfc/rfc9865

What a service does otherwise is in `SERVICES`. A record here is the resource as the service wrote it, with the names of
attributes as the RFC spells them, and with keys of our own for what stands deeper, such as `primaryEmail`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, Self, Unpack

from pulumi import Input, Output, ResourceOptions
from pydantic import Field, SecretStr, model_validator
from pydantic.alias_generators import to_camel

from ..core.vendor.boundary import MOST_DIGITS, Json, Record
from ..core.vendor.field_types import (
    Email,
    EmailItems,
    Entries,
    ItemKeys,
    Items,
    NameSet,
    Number,
    Password,
    PhoneItems,
    as_items,
    covers,
    named_as,
    number_key,
)
from ..core.vendor.fields import (
    NO_VALUE,
    SPARSE,
    VISIBLE,
    Compare,
    Problem,
    Values,
    Wire,
    email_key,
    escaped,
    folded,
    keys_of,
)
from ..core.vendor.groups import Groups, Pair
from ..core.vendor.http import Answer, Effect, Request, json_object, objects, segment, whole_number
from ..core.vendor.rehearsal import Assumption, Rehearsal
from ..core.vendor.scim_attributes import (
    CORE,
    ENTERPRISE,
    NAMES,
    has_parts,
    merge,
    operations_within,
    patch_operation,
    primary_item,
    schemas_of,
    set_value,
    spelt,
    with_items,
    with_primary,
    with_values,
)
from ..core.vendor.vendor import Limit, Listing, Named, NameList, Refresh, Token, Vendor
from ..resources.fields import OPTIONAL, Arg, Args, Fields, Key, ListArg, ReadOnly, WriteOnly, read_only
from ..resources.lookup import IdLookup, ListLookup, LookupResult, UsersLookup, ask
from ..resources.membership import MembershipResource
from ..resources.provider import TenantArgs, TenantProvider
from ..resources.user import AccountArgs, PersonAccount, UserResource, schema_of
from ..wire import settings

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
ACCEPT = {"Accept": "application/scim+json"}
HEADERS = {"Content-Type": "application/scim+json", **ACCEPT}
READ_ONLY = ("meta", "groups")
"""Attributes that an update must not send back."""
RFC_7644 = "https://www.rfc-editor.org/rfc/rfc7644"
VERBS_OF_WRITES = ("POST", "PUT", "PATCH", "DELETE")
MOST_QUESTIONS = 3
"""Questions in a run whether the service has PATCH; if none is answered, it counts as having it."""
MORE_NAMES = (
    "resourceType", "location", "created", "lastModified", "$ref", "detail", "scimType", "status", "patch", "bulk",
    "filter", "changePassword", "sort", "etag", "pagination", "cursor", "index", "supported", "maxResults",
    "maxOperations", "maxPayloadSize", "authenticationSchemes", "documentationUri", "specUri", "name", "description",
)  # fmt: skip
"""Names that only reports need, beside `NAMES`."""


# --- services ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Service:
    """What a service does otherwise than most; a setting overrides the cell of the same name."""

    source: str
    """Where it says so."""
    update: Literal["patch", "put"] = "patch"
    find_by: Literal["filter", "list"] = "filter"
    paging: Literal["index", "cursor"] = "index"
    page_size: int = 100
    deactivating: Literal["disables", "deletes"] = "disables"
    deleting: Literal["deletes", "disables"] = "deletes"
    limits: tuple[Limit, ...] = ()
    leaving: Literal["by path", "by value"] = "by path"
    """How PATCH removes a member. With a value beside `members`, a service that follows the RFC removes all members."""
    member: str = "members.value"
    """What a filter on groups calls the id of a member."""
    asked: Literal["nothing", "members"] = "nothing"
    """What to ask of a group: its members, where it shows them only to a request that asks for them."""


SERVICES: Mapping[str, Service] = {
    "generic": Service(RFC_7644),
    "keycloak": Service("tried at version 26.7.4, whose pages have at most 100 records", asked="members"),
    "slack": Service(
        "https://docs.slack.dev/reference/scim-api/rate-limits",
        deleting="disables",  # https://docs.slack.dev/reference/scim-api
        limits=(
            Limit(300, 60, verbs=("GET",)),  # of one user; there are more of lists
            Limit(600, 60, verbs=VERBS_OF_WRITES, burst=180),
            *(Limit(180, 60, verbs=verbs, burst=20) for verbs in (("POST",), ("PUT", "PATCH"), ("DELETE",))),
        ),
    ),
    "github": Service(
        "https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/"
        "provisioning-user-accounts-with-scim/deprovisioning-and-reinstating-users"
    ),
    "aws": Service(
        "https://docs.aws.amazon.com/singlesignon/latest/developerguide/listusers.html",
        paging="cursor",
        leaving="by value",  # as Amazon's own client: https://github.com/awslabs/ssosync, internal/aws/client.go
        member="members",  # https://docs.aws.amazon.com/singlesignon/latest/developerguide/listgroups.html
    ),
    "pagerduty": Service("https://support.pagerduty.com/main/docs/assign-or-deactivate-users", deactivating="deletes"),
    "entra": Service(
        "https://learn.microsoft.com/en-us/entra/identity/app-provisioning/entra-id-scim-api-reference",
        paging="cursor",
    ),
    "databricks": Service(
        "https://docs.databricks.com/aws/en/reference/scim-2-1",
        # As its own client, `rate_limit` of https://github.com/databricks/terraform-provider-databricks
        limits=(Limit(15, 1),),
    ),
    "atlassian": Service("https://developer.atlassian.com/cloud/admin/user-provisioning/rest/api-group-users/"),
}
"""Services by the name that `SCIM_SERVICE` gives."""


CELLS = ("update", "find_by", "paging", "page_size", "deactivating", "deleting")
"""The cells about accounts."""
CELLS_OF_GROUPS = ("leaving", "member", "asked")
"""The cells about memberships."""


def tables() -> dict[str, str]:
    """Return the tables of the documentation that no other vendor has, by the names of their markers."""
    head = ["service", *(f"`SCIM_{name.upper()}`" for name in CELLS), "requests", "says so"]
    rows = [head, ["---"] * len(head)]
    for name, row in SERVICES.items():
        said = f"[its page]({row.source})" if row.source.startswith("https://") else row.source
        paced = "a limit of its own" if row.limits else "no limit known"
        rows.append([f"`{name}`", *(str(getattr(row, cell)) for cell in CELLS), paced, said])
    return {"services": "\n".join(f"| {' | '.join(row)} |" for row in rows)}


class Settings(settings.Settings):
    """The address of a service's SCIM API, the credentials, and how the service deviates."""

    base_url: settings.BaseUrl
    token: settings.HeaderSecret | None = None
    client_id: Annotated[str | None, settings.CREDENTIAL] = None
    """Id of the client that logs in (OAuth 2 client credentials), instead of a token."""
    client_secret: SecretStr | None = None
    """Secret of this client."""
    token_url: settings.LoginUrl | None = None
    """The whole URL at which it logs in; the only other place that gets a request, and the login alone."""
    scope: Annotated[str | None, settings.CREDENTIAL] = None
    """Scope of the login, where the service wants one."""
    service: Literal[
        "generic", "keycloak", "slack", "github", "aws", "pagerduty", "entra", "databricks", "atlassian"
    ] = "generic"
    """The service, if it is a known one."""
    update: Literal["patch", "put"] | None = None
    """How accounts are changed: `patch`, or `put` of the whole resource."""
    find_by: Literal["filter", "list"] | None = None
    """How an account is found: a `filter` on the user name, or the whole `list` where there are no filters."""
    paging: Literal["index", "cursor"] | None = None
    """How pages follow each other: by `index` or by `cursor`."""
    page_size: int | None = Field(default=None, ge=1)
    """How many records a page has at most."""
    deactivating: Literal["disables", "deletes"] | None = None
    """What deactivating does: it `disables` an account, or `deletes` it for good."""
    deleting: Literal["deletes", "disables"] | None = None
    """What DELETE does: it `deletes` an account for good, or only `disables` it."""
    leaving: Literal["by path", "by value"] | None = None
    """How PATCH removes a member of a group: `by path`, or `by value`, with which some services remove all members."""
    member: Literal["members.value", "members"] | None = None
    """What a filter on groups calls the id of a member."""
    asked: Literal["nothing", "members"] | None = None
    """What to ask of a group: `nothing`, or its `members`, where it shows them only to a request that asks for them."""

    @model_validator(mode="after")
    def _some_credentials(self) -> Self:
        if self.token is None:
            for name in ("client_id", "client_secret", "token_url"):
                if getattr(self, name) is None:
                    is_begun = self.client_id or self.client_secret or self.token_url
                    raise settings.Missing(name if is_begun else "token", instead="token" if is_begun else "client_id")
        return self

    @property
    def login_url(self) -> str | None:
        """The URL of the login; None with a token."""
        return None if self.token is not None else self.token_url

    @property
    def row(self) -> Service:
        """The service's row, with the cells that settings override."""
        cells = (*CELLS, *CELLS_OF_GROUPS)
        own = {name: getattr(self, name) for name in cells if getattr(self, name) is not None}
        return replace(SERVICES[self.service], **own)


# --- fields -----------------------------------------------------------------------------------


def _at_work(name: str) -> Wire:
    """Return the place of an attribute of the enterprise extension."""
    return Wire.everywhere(f"{escaped(ENTERPRISE)}.{name}")


UserName = Annotated[str, VISIBLE, Compare(email_key, how="without case (ASCII)")]
Text = Annotated[str, SPARSE]
Tag = Annotated[str, SPARSE, Compare(folded, how="without case")]


class IdentityFields(Fields):
    """The arguments that `scim.User` requires and the description of a person gives."""

    user_name: Key[UserName]
    """The login, unique at the service; often an e-mail."""


class OwnFields(AccountArgs):
    """The fields that are optional."""

    email: Arg[Annotated[Email, SPARSE, Wire.everywhere("primaryEmail")]] = OPTIONAL
    """The primary e-mail. Others stay as they are."""
    emails: ListArg[Annotated[EmailItems, SPARSE], Mapping[str, Any]] = OPTIONAL
    """All e-mails, such as `[{"value": "ana@example.com", "type": "work", "primary": True}]`. Not together with
    `email`."""
    external_id: Arg[Text] = OPTIONAL
    """Id of the user in your own system."""
    first_name: Arg[Annotated[Text, Wire.everywhere("name.givenName")]] = OPTIONAL
    """Given name."""
    last_name: Arg[Annotated[Text, Wire.everywhere("name.familyName")]] = OPTIONAL
    """Family name."""
    middle_name: Arg[Annotated[Text, Wire.everywhere("name.middleName")]] = OPTIONAL
    """Middle name."""
    formatted_name: Arg[Annotated[Text, Wire.everywhere("name.formatted")]] = OPTIONAL
    """The whole name, as it is displayed."""
    honorific_prefix: Arg[Annotated[Text, Wire.everywhere("name.honorificPrefix")]] = OPTIONAL
    """Title before the name, such as "Dr."."""
    honorific_suffix: Arg[Annotated[Text, Wire.everywhere("name.honorificSuffix")]] = OPTIONAL
    """Suffix after the name, such as "III"."""
    display_name: Arg[Text] = OPTIONAL
    """Name to display."""
    nick_name: Arg[Text] = OPTIONAL
    """Nickname."""
    profile_url: Arg[Text] = OPTIONAL
    """URL of a page about the user."""
    title: Arg[Text] = OPTIONAL
    """Title in the organization, such as "Engineer"."""
    user_type: Arg[Text] = OPTIONAL
    """The relation to the organization, such as "Contractor"."""
    preferred_language: Arg[Tag] = OPTIONAL
    """Preferred language, such as "en-US"."""
    locale: Arg[Tag] = OPTIONAL
    """Locale for numbers and dates, such as "en-US"."""
    timezone: Arg[Text] = OPTIONAL
    """Time zone, such as "America/Denver"."""
    active: Arg[bool] = OPTIONAL
    """Whether the user can log in."""
    phone: Arg[Annotated[Number, SPARSE, Wire.everywhere("primaryPhone")]] = OPTIONAL
    """The primary phone number. Others stay as they are."""
    phone_numbers: ListArg[Annotated[PhoneItems, SPARSE], Mapping[str, Any]] = OPTIONAL
    """All phone numbers, as `emails`. Not together with `phone`."""
    ims: ListArg[Annotated[Items, SPARSE], Mapping[str, Any]] = OPTIONAL
    """All addresses for instant messages."""
    photos: ListArg[Annotated[Items, SPARSE], Mapping[str, Any]] = OPTIONAL
    """All photos, each with its URL as `value`."""
    addresses: ListArg[Annotated[Items, SPARSE], Mapping[str, Any]] = OPTIONAL
    """All addresses, with `streetAddress`, `locality`, `region`, `postalCode`, `country`, `type`."""
    entitlements: ListArg[Annotated[NameSet, SPARSE, Wire.everywhere("entitlementValues")], str] = OPTIONAL
    """Values of all entitlements."""
    roles: ListArg[Annotated[NameSet, SPARSE, Wire.everywhere("roleValues")], str] = OPTIONAL
    """Values of all roles."""
    x509_certificates: ListArg[Annotated[Items, SPARSE, Wire.everywhere("x509Certificates")], Mapping[str, Any]] = (
        OPTIONAL
    )
    """All certificates, each in Base64 as `value`."""
    employee_number: Arg[Annotated[Text, _at_work("employeeNumber")]] = OPTIONAL
    """Number of the employee (enterprise extension)."""
    cost_center: Arg[Annotated[Text, _at_work("costCenter")]] = OPTIONAL
    """Cost center (enterprise extension)."""
    organization: Arg[Annotated[Text, _at_work("organization")]] = OPTIONAL
    """Organization (enterprise extension)."""
    division: Arg[Annotated[Text, _at_work("division")]] = OPTIONAL
    """Division (enterprise extension)."""
    department: Arg[Annotated[Text, _at_work("department")]] = OPTIONAL
    """Department (enterprise extension)."""
    manager_id: Arg[Annotated[Text, _at_work("manager.value")]] = OPTIONAL
    """Id of the manager's account (enterprise extension)."""
    extensions: Arg[Annotated[Entries, SPARSE]] = OPTIONAL
    """Attributes of other schemas, by the schema's URN; what is not declared stays. An empty text
    removes an attribute, or all of a schema."""
    password: WriteOnly[Password] = OPTIONAL
    """The password. Write-only."""
    groups: ReadOnly[Annotated[NameSet, Wire(read="groupIds")]] = read_only()
    """Ids of the groups that the service shows at the user; many show none."""


class UserArgs(IdentityFields, OwnFields, Args):
    """Arguments of `scim.User`."""


class User(IdentityFields, OwnFields, UserResource):
    """A user of a service that speaks SCIM 2.0 (https://www.rfc-editor.org/rfc/rfc7643).

    A service may accept a field and not keep it: then a warning names it, and its output is empty.
    """


class Membership(MembershipResource):
    """A user in a group (https://www.rfc-editor.org/rfc/rfc7643#section-4.2). Other members of the group stay.

    scim.Membership("ana-engineers", user=ana.id, group=scim.group_id("Engineers"))
    """


class ProviderArgs(TenantArgs, total=False):
    """Arguments of `scim.Provider`."""

    token: Input[str]
    """The bearer token."""
    client_id: Input[str]
    """Id of the client that logs in, instead of a token."""
    client_secret: Input[str]
    """Secret of this client."""
    token_url: Input[str]
    """The whole URL at which it logs in."""
    scope: Input[str]
    """Scope of the login."""
    service: Input[str]
    """The service, if it is a known one, such as `"slack"`."""
    update: Input[str]
    """`"patch"` or `"put"`."""
    find_by: Input[str]
    """`"filter"` or `"list"`."""
    paging: Input[str]
    """`"index"` or `"cursor"`."""
    page_size: Input[int]
    """How many records a page has at most."""
    deactivating: Input[str]
    """`"disables"` or `"deletes"`."""
    deleting: Input[str]
    """`"deletes"` or `"disables"`."""
    leaving: Input[str]
    """`"by path"` or `"by value"`."""
    member: Input[str]
    """`"members.value"` or `"members"`."""
    asked: Input[str]
    """`"nothing"` or `"members"`."""


class Provider(TenantProvider):
    """Another service, or another tenant, for `opts=pulumi.ResourceOptions(provider=...)`."""

    def __init__(self, resource_name: str, opts: ResourceOptions | None = None, **args: Unpack[ProviderArgs]) -> None:
        super().__init__(resource_name, args, opts)


class Account(PersonAccount, OwnFields):
    """An account of a `seatwise.Person`, with what the person's description does not say."""

    user = User
    provider: Provider | None = OPTIONAL
    user_name: Arg[UserName] = OPTIONAL
    """The login; the person's e-mail unless it is given."""


SHOWN = (
    "user_name", "email", "external_id", "first_name", "last_name", "formatted_name", "display_name", "nick_name",
    "title", "user_type", "preferred_language", "locale", "timezone", "active", "phone", "entitlements", "roles",
    "employee_number", "cost_center", "organization", "division", "department", "manager_id", "groups",
)  # fmt: skip


class GetUserResult(LookupResult, IdentityFields, OwnFields, init=False, shows=SHOWN):
    """A user that a look-up found; the fields mean what they mean at `User`, and are None where the service shows none.

    Fields that are not in its `repr`, such as `addresses`, are always None.
    """


@dataclass(frozen=True)
class Group(Named):
    """A group of the service."""

    id: str
    """The service's id."""


GROUPS = NameList(
    # https://www.rfc-editor.org/rfc/rfc7643#section-4.2
    path="/Groups",
    about="groups",
    kind=Group,
    keys={"id": ("id",), "name": ("displayName",)},
)

PRIMARY = {"primaryEmail": "emails", "primaryPhone": "phoneNumbers"}
"""Lists of which an argument is the primary value."""
VALUES = {"entitlementValues": "entitlements", "roleValues": "roles"}
"""Lists of which an argument has the values."""
ITEMS: Mapping[str, ItemKeys] = {
    "emails": as_items(email_key),
    "phoneNumbers": as_items(number_key),
    **dict.fromkeys(("ims", "photos", "addresses", "x509Certificates"), as_items()),
}
"""Lists that an argument declares whole, and of each item a part; and how their items are compared."""
ABSENT = (None, "")
"""Values that remove what is there. An empty mapping declares nothing."""
OUR_KEYS = (*PRIMARY, *VALUES, "groupIds", "extensions")


class Scim(Vendor, Groups):
    """Requests and answers of RFC 7644: many-valued attributes, PATCH and PUT, filters, versions."""

    schema = schema_of(User, to_camel)
    settings_type = Settings
    title = "SCIM"
    path = "/Users"
    identity_field = "user_name"
    must_show_inactive = True  # `active` is optional: https://www.rfc-editor.org/rfc/rfc7643#section-4.1.1
    lists: ClassVar = {"groups": GROUPS}
    answer_keys = (*NAMES, *MORE_NAMES)
    described: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **Vendor.described,
        "user_name": ("email",),
        "display_name": ("first_name", "last_name"),
    }
    example: ClassVar[Values] = {
        "user_name": "ana@example.com",
        "email": "ana@example.com",
        "display_name": "Ana Ruiz",
        "first_name": "Ana",
        "last_name": "Ruiz",
        "title": "Engineer",
        "department": "Research",
        "phone": "+1 555 010 0001",
        "password": "a first password",
    }
    example_change: ClassVar[Values] = {"display_name": "Anna Ruiz", "first_name": "Anna", "department": "Field"}

    _is_patched: bool | None = None
    """Whether the service says that it has PATCH; None while that is not known."""
    _questions = 0

    @property
    def _row(self) -> Service:
        row: Service = self.settings.row
        return row

    @property
    def limits(self) -> tuple[Limit, ...]:
        return self._row.limits

    @property
    def can_delete(self) -> bool:
        return self._row.deleting == "deletes"

    @property
    def deactivating_deletes(self) -> bool:
        return self._row.deactivating == "deletes"

    @property
    def replaces(self) -> bool:
        return self._is_patched is False or self._row.update == "put"

    @property
    def finds_by_email(self) -> bool:
        return self._row.find_by == "filter"

    @property
    def rehearsal(self) -> Rehearsal:
        answered, source = Assumption(source=f"{RFC_7644}#section-3.5.2"), self._row.source
        other = "nothing to do: seatwise follows what the answer says; or set SCIM_PAGING"
        return Rehearsal(
            changes={"title": "Lead", "phone": "+1 555 010 0002"},
            assumptions={
                "page size": Assumption(source=f"{RFC_7644}#section-3.4.2.4", remedy="set SCIM_PAGE_SIZE to that size"),
                "next page": Assumption(assumed=(self._row.paging,), source=source, remedy=other),
                "missing": Assumption(source=f"{RFC_7644}#section-3.12"),
                "id": Assumption(source=f"{RFC_7644}#section-3.3"),
                "repeated": Assumption(source=f"{RFC_7644}#section-3.3"),
                "found at once": Assumption(
                    source=f"{RFC_7644}#section-3.4.2.2", remedy="set SCIM_FIND_BY=list if there are no filters"
                ),
                "exact search": Assumption(assumed=("no",), source=f"{RFC_7644}#section-3.4.2.2"),
                "answered update": answered,
                "update agrees": answered,
                "omitted": Assumption(source=f"{RFC_7644}#section-3.5.1"),
                "emptied": Assumption(
                    source=f"{RFC_7644}#section-3.5.{'1' if self.replaces else '2.2'}",
                    remedy="set SCIM_UPDATE=patch if the service has PATCH" if self.replaces else "",
                ),
                "inactive read": Assumption(
                    source=source, remedy="set SCIM_DEACTIVATING=deletes: the service deletes it then"
                ),
                "inactive found": Assumption(source=source),
                "reactivated": Assumption(source=source),
            },
        )

    @classmethod
    def rules(cls, values: Values, given: frozenset[str]) -> Iterable[Problem]:
        """Yield a problem for a primary value beside the list that has it."""
        for one, all_ in (("email", "emails"), ("phone", "phone_numbers")):
            if {one, all_} <= given:
                yield Problem(all_, f"says all of them, and so cannot stand beside {one}: give one of the two")
            if isinstance(value := values.get(one), str) and not value.strip():
                yield Problem(one, f"cannot be empty, as another one would take its place: declare all in {all_}")
        name = values.get("user_name")
        if isinstance(name, str) and (not name or name != name.strip()):
            yield Problem("user_name", "cannot be empty, or begin or end with white space")
        extensions = values.get("extensions") or {}
        if not all(isinstance(each, dict) or each in ABSENT for each in extensions.values()):
            yield Problem("extensions", "must have a mapping for each schema, from names of attributes to values")
        if len({urn.lower() for urn in extensions}) < len(extensions):
            yield Problem("extensions", "has a schema twice, in other capitals: give it once")
        if any(urn.lower() in (CORE.lower(), ENTERPRISE.lower()) for urn in extensions):
            yield Problem("extensions", "cannot have these attributes: give their own arguments, such as cost_center")

    # --- login --------------------------------------------------------------------------------

    def request_login(self, refresh: Refresh | None) -> Request:
        # https://www.rfc-editor.org/rfc/rfc6749#section-4.4; there is no refresh token.
        given = self.settings
        form = {
            "grant_type": "client_credentials",
            "client_id": given.client_id,
            "client_secret": given.client_secret.get_secret_value(),
        }
        return Request("POST", "", Effect.LOGIN, form=form | ({"scope": given.scope} if given.scope else {}))

    def parse_token(self, answer: Answer) -> Token:
        return replace(super().parse_token(answer), refresh=None)

    # --- requests -----------------------------------------------------------------------------

    def request_page(self, email: str | None, page: int) -> Request:
        query: dict[str, str | int] = dict(self._paging(page))
        if email is not None and self.finds_by_email:
            query["filter"] = f"userName eq {_quoted(email)}"
        return Request("GET", self.path, query=query, headers=ACCEPT)

    def _paging(self, page: int) -> Mapping[str, str | int]:
        size = self._row.page_size
        if self._row.paging == "cursor":  # https://www.rfc-editor.org/rfc/rfc9865#section-2: empty for the first page
            return {"cursor": "", "count": size}
        return {"startIndex": (page - 1) * size + 1, "count": size}

    def request_create(self, values: Values) -> Request:
        resource: dict[str, Json] = {"schemas": [CORE], "active": True}
        return Request("POST", self.path, Effect.CREATE, headers=HEADERS, json=self._with(resource, values))

    def request_read(self, account: str) -> Request:
        return Request("GET", self._path_of(account), headers=ACCEPT)

    def merges(self, changes: Values) -> bool:
        """Return whether the changes are part of what has more, such as a list's items: an update has to repeat it."""
        return self.replaces or any(self._is_a_part(name, value) for name, value in changes.items())

    def _is_a_part(self, name: str, value: Any) -> bool:
        if name == "extensions":
            return any(
                attributes in ABSENT or any(each in NO_VALUE or has_parts(each) for each in attributes.values())
                for attributes in (value or {}).values()
            )
        path = self.schema[name].wire.update or name
        return path in PRIMARY or (path in (*VALUES, *ITEMS) and value not in NO_VALUE)

    def request_facts(self) -> Request | None:
        # https://www.rfc-editor.org/rfc/rfc7643#section-5
        is_known = self._is_patched is not None or self.settings.update or self.settings.service != "generic"
        return None if is_known else Request("GET", "/ServiceProviderConfig", headers=ACCEPT)

    def learn_facts(self, answer: Answer | None) -> None:
        self._questions += 1
        said = json_object(spelt(answer.json)) if answer is not None and answer.ok else {}
        status = answer.status if answer is not None else 0
        is_refused = status == 501 or (400 <= status < 500 and status not in (408, 425, 429))
        if not said and not is_refused and self._questions < MOST_QUESTIONS:
            return  # the next update asks again
        patch = json_object(said.get("patch"))
        self._is_patched = patch.get("supported") is not False

    def request_update(self, account: str, changes: Values, record: Record | None) -> Request:
        path, known = self._path_of(account), record or {}
        version = json_object(known.get("meta")).get("version")
        headers = HEADERS | ({"If-Match": version} if isinstance(version, str) and version else {})
        if self.replaces:
            own = (*READ_ONLY, *OUR_KEYS, "password")  # some show one, which stars stand for
            resource = {key: value for key, value in known.items() if key not in own}
            body = self._with(json.loads(json.dumps(resource)), changes)
            return Request("PUT", path, Effect.REPEATABLE, headers=headers, json=body)
        operations: list[Json] = [each for item in changes.items() for each in self._operations(*item, known)]
        body = {"schemas": [PATCH], "Operations": operations}
        return Request("PATCH", path, Effect.REPEATABLE, headers=headers, json=body)

    def _with(self, resource: dict[str, Json], values: Values) -> dict[str, Json]:
        """Return the resource with these values in it; other items and attributes stay."""
        for name, value in values.items():
            if name == "extensions":
                for urn, attributes in named_as(resource, value or {}).items():
                    there = resource.get(urn)
                    set_value(resource, (urn,), merge(there, named_as(there, attributes)))
            else:
                keys, written = self._written(name, value, resource)
                set_value(resource, keys, written)
        resource["schemas"] = schemas_of(resource, values.get("extensions") or ())
        return resource

    def _operations(self, name: str, value: Any, record: Record) -> Iterable[dict[str, Json]]:
        """Yield the operations of a PATCH that set one argument."""
        if name == "extensions":
            for urn, attributes in named_as(record, value or {}).items():
                known = json_object(record.get(urn))
                given = dict.fromkeys(known) if attributes in ABSENT else named_as(known, attributes)
                for key, inner in given.items():
                    if not covers(inner, known.get(key)):  # some services refuse to remove what is absent
                        yield from operations_within(f"{urn}:{key}", known.get(key), inner)
            return
        keys, written = self._written(name, value, record)
        if keys[-2:] == ("manager", "value"):  # https://www.rfc-editor.org/rfc/rfc7643#section-4.3: a complex value
            keys, written = keys[:-1], {"value": written} if written not in NO_VALUE else None
        yield patch_operation(f"{keys[0]}:{'.'.join(keys[1:])}" if keys[0] == ENTERPRISE else ".".join(keys), written)

    def _written(self, name: str, value: Any, resource: Record) -> tuple[tuple[str, ...], Json]:
        """Return the path and the value of an argument in a resource, whose lists may have other items."""
        path = self.schema[name].wire.update or name
        if path in PRIMARY:
            at = PRIMARY[path]
            return (at,), with_primary(resource.get(at), value, ITEMS[at])
        if path in VALUES:
            return (VALUES[path],), with_values(resource.get(VALUES[path]), value or [])
        if path in ITEMS:
            return (path,), with_items(resource.get(path), value or [], ITEMS[path])
        return keys_of(path), value

    # --- groups -------------------------------------------------------------------------------

    @property
    def way_to_join(self) -> str:
        """Why there are no memberships where PATCH is not to be used: a PUT of a whole group could remove others.

        What a service says of PATCH need not hold for its groups: there its answer decides.
        """
        if self._row.update != "put":
            return ""
        update = self.settings.display_name("update")
        return (
            f'a membership needs PATCH, and {update} is "put": set it to "patch" if groups take PATCH at this service'
        )

    @property
    def way_to_leave(self) -> str:
        name = self.settings.display_name("leaving")
        if self._row.leaving == "by value":
            return f'Set {name} to "by path" if the service removes members so'
        return f'Set {name} to "by value" only if the service documents that: others remove all members then'

    def request_join(self, pair: Pair, version: str | None) -> Request:
        # https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2.1
        return self._patch_group(pair, version, {"op": "add", "path": "members", "value": [{"value": pair.user}]})

    def request_leave(self, pair: Pair, version: str | None) -> Request:
        # https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2.2
        operation: dict[str, Json] = {"op": "remove", "path": f"members[value eq {_quoted(pair.user)}]"}
        if self._row.leaving == "by value":
            operation |= {"path": "members", "value": [{"value": pair.user}]}
        return self._patch_group(pair, version, operation)

    def _patch_group(self, pair: Pair, version: str | None, operation: Record) -> Request:
        headers = HEADERS | ({"If-Match": version} if version else {})
        body = {"schemas": [PATCH], "Operations": [operation]}
        return Request("PATCH", f"/Groups/{segment(pair.group)}", Effect.REPEATABLE, headers=headers, json=body)

    def request_group(self, group: str) -> Request:
        query = {} if self._row.asked == "nothing" else {"attributes": self._row.asked}
        return Request("GET", f"/Groups/{segment(group)}", query=query, headers=ACCEPT)

    def request_groups(self) -> Request:
        return self.request_items(GROUPS, 1)

    def request_groups_with(self, pair: Pair) -> Request:
        text = f"id eq {_quoted(pair.group)} and {self._row.member} eq {_quoted(pair.user)}"
        return Request("GET", "/Groups", query={"filter": text, "excludedAttributes": "members"}, headers=ACCEPT)

    def parse_members(self, answer: Answer) -> frozenset[str] | None:
        group = json_object(spelt(answer.json))
        return _values_in(group.get("members")) if group.get("id") else None

    def parse_version(self, answer: Answer) -> str | None:
        version = json_object(json_object(spelt(answer.json)).get("meta")).get("version")
        return version if isinstance(version, str) and version else answer.headers.get("etag")

    def parse_groups(self, record: Record) -> frozenset[str]:
        groups = record.get("groups")
        direct = [each for each in groups if not _is_indirect(each)] if isinstance(groups, list) else None
        return _values_in(direct)

    def is_no_member(self, answer: Answer) -> bool:
        return answer.object.get("scimType") == "noTarget"

    # --- answers ------------------------------------------------------------------------------

    def parse_record(self, answer: Answer) -> Record | None:
        record, version = _normal(answer.object), answer.headers.get("etag", "")
        meta = json_object(record.get("meta"))
        # https://www.rfc-editor.org/rfc/rfc7644#section-3.14: the version is in the record, or in the header alone. A
        # weak one in the header may be a web server's own: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1
        if version and not version.startswith("W/") and not meta.get("version"):
            record["meta"] = {**meta, "version": version}
        return record if record.get("id") else None

    def parse_emails(self, record: Record) -> Sequence[str]:
        emails = record.get("emails")
        return [self.parse_email(record), *_values_in(emails)]

    def parse_page(self, answer: Answer) -> Listing | None:
        body = json_object(spelt(answer.json))
        total, resources = _count(body.get("totalResults")), body.get("Resources")
        if resources is None and total == 0:
            resources = []
        if not isinstance(resources, list):
            return None
        records, given = [_normal(each) for each in objects(resources)], body.get("nextCursor")
        cursor, is_full = given if isinstance(given, str) else "", len(records) >= self._row.page_size
        if total == len(records) and (cursor or len(records) == self._row.page_size):
            total = None  # some count the page alone; more than were asked for are all, without pages
        pages = -(-total // len(records)) if total and records else None
        if cursor:
            return Listing(records, True, pages, total, {"cursor": cursor})
        if self._row.paging == "cursor" or not records or (total is not None and len(records) >= total):
            return Listing(records, total=total)
        # The answer's `startIndex` does not count: some say 1 at each page.
        return Listing(records, True, pages, total, index="startIndex", is_open=total is None and not is_full)

    def is_confirmed(self, answer: Answer) -> bool:
        """Return whether there is a record, or nothing by intent: a PATCH and a DELETE may be answered with 204."""
        return answer.status == 204 or super().is_confirmed(answer)

    def is_success(self, answer: Answer) -> bool:
        """Return whether the status says so, and the body is not an error's (RFC 7644, section 3.12)."""
        schemas = answer.object.get("schemas")
        return super().is_success(answer) and not (isinstance(schemas, list) and ERROR in schemas)

    def is_taken(self, answer: Answer) -> bool:
        return answer.status == 409 or answer.object.get("scimType") == "uniqueness"


def _count(value: Json) -> int | None:
    """Return a count, which some write as a text; None if it is neither."""
    if not isinstance(value, str):
        return whole_number(value)
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= MOST_DIGITS else None


def _quoted(text: str) -> str:
    """Return a text as a filter has it."""
    return json.dumps(text, ensure_ascii=False)


def _values_in(items: Json) -> frozenset[str]:
    """Return the values of a list's items: the ids of members, or of groups."""
    return frozenset(value for each in objects(items) if isinstance(value := each.get("value"), str))


def _is_indirect(group: Json) -> bool:
    """Return whether a user is in a group by another group that is in it."""
    return json_object(group).get("type") == "indirect"


def _normal(resource: Record) -> dict[str, Json]:
    """Return a resource with our keys."""
    whole: Json = dict(resource)
    record = dict(json_object(spelt(whole)))
    # Null is as good as absent: https://www.rfc-editor.org/rfc/rfc7643#section-2.5
    if record.get("active", True) is None:
        del record["active"]
    work = record.get(ENTERPRISE)
    if isinstance(work, dict) and isinstance(work.get("manager"), str):  # some write the id alone
        record[ENTERPRISE] = {**work, "manager": {"value": work["manager"]}}
    for key, name in PRIMARY.items():
        found = primary_item(record.get(name)).get("value")
        record |= {} if found is None else {key: found}
    for key, name in (*VALUES.items(), ("groupIds", "groups")):
        items = record.get(name)
        if isinstance(items, list):
            record[key] = [each.get("value") if isinstance(each, dict) else each for each in items]
    others = {key: value for key, value in record.items() if ":" in key and key not in (ENTERPRISE, CORE)}
    return {**record, "extensions": others} if others else record


# --- looking things up ------------------------------------------------------------------------


def get_user(user_name: Input[str], *, provider: Provider | None = None) -> Output[GetUserResult]:
    """Return the user with this user name, in this stack or not. The program fails if no user has it."""
    return ask(Scim, provider, lambda lookups, name: lookups.user(GetUserResult, name), user_name)


get_users = UsersLookup(Scim, Provider, GetUserResult)
"""All users, or only the active or inactive users."""
get_groups = ListLookup(Scim, Provider, GROUPS)
"""All groups."""
group_id = IdLookup(Scim, Provider, GROUPS, Group)
"""The id of the group with this name. If none or several have the name, it is an error."""

VENDOR = Scim
