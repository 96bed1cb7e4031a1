"""A team as one Pulumi resource: many accounts of one vendor."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol, TypeVar
from uuid import uuid4

import pulumi
from pulumi import Output, dynamic

from ..core.account.properties import with_owner
from ..core.team.plan import failures
from ..core.team.properties import failed_run_of, keyed, program_inputs
from ..core.vendor.errors import InvalidMembers
from ..core.vendor.fields import Field
from ..core.vendor.vendor import Vendor
from ..dynamic import load
from ..files.members import typed_members
from .owners import former_owners, owner_named
from .user import refuse_import, refuse_provider
from .waiting import awaited_as_one

THIS_RUN = uuid4().hex
"""The name of this run of the program."""
A = TypeVar("A", covariant=True, bound=Mapping[str, object])
M = TypeVar("M", bound=Mapping[str, object])


class VendorModule(Protocol[A]):
    """`seatwise.enerflo` and its like."""

    @property
    def VENDOR(self) -> type[Vendor]:  # noqa: N802 - as the modules write it
        """The vendor."""

    @property
    def UserArgs(self) -> type[A]:  # noqa: N802
        """The arguments of one of its accounts."""


class Roster(dynamic.Resource):
    """A whole team of one vendor as one resource, for hundreds and thousands of people.

        sales = seatwise.Roster("sales", vendor=enerflo, members=[
            enerflo.UserArgs(email="ana@example.com", first_name="Ana", roles=["Sales Rep"]),
        ])

    Members are identified by their e-mails, in any order and without the case of ASCII letters. A member that fails
    does not stop the others: the run names it and fails at the end, and the next `pulumi up` does only what is missing.
    """

    ids: Output[dict[str, str]]
    """The ids of the accounts, by e-mail with its ASCII letters small."""
    counts: Output[dict[str, int]]
    """What the last run did: `members`, `joined`, `changed`, `left`, `failed` and `not_tried`."""
    failed: Output[dict[str, str]]
    """The members that are not as declared, with the reasons, by e-mail. The next run tries them again."""

    def __init__(
        self,
        resource_name: str,
        *,
        vendor: VendorModule[M],
        members: Iterable[M],
        on_existing: Literal["fail", "adopt"] = "fail",
        on_leave: Literal["deactivate", "delete", "retain"] | None = None,
        max_removals: int | str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a team.

        Args:
            resource_name: The name of the resource.
            vendor: The vendor's module, such as `seatwise.enerflo`.
            members: The arguments of each account, as the vendor's `UserArgs`, or from `seatwise.load_members`.
                An e-mail must be plain text; other values may be outputs of other resources.
            on_existing: What to do when an account with a member's e-mail is there already.
            on_leave: What happens to the account of a member who leaves the list. `"deactivate"` is the
                default; `"delete"` (where the vendor can) deactivates at once and deletes in the next run. When the
                whole team is destroyed, adopted accounts are left as they are unless this is given.
            max_removals: How many members may leave in one run: a number, or a share such as `"10%"`. The default is
                three or 10 %, whichever is more. A preview with more leavers fails.
            opts: Pulumi's options.

        Raises:
            pulumi.RunError: A member has a problem, or two have the same e-mail; before seatwise sends anything.

        """
        remedy = 'say on_existing="adopt" (`seatwise import` takes over single accounts)'
        refuse_import(resource_name, opts, remedy)
        kind = getattr(vendor, "VENDOR", None)
        if not isinstance(kind, type) or not issubclass(kind, Vendor):
            raise pulumi.RunError(f"{resource_name}: vendor must be a vendor's module, such as seatwise.enerflo")
        refuse_provider(resource_name, kind.name, opts)
        try:
            declared = keyed(typed_members(kind, members), kind.identity_field)
        except InvalidMembers as error:
            raise pulumi.RunError(f"{resource_name}: {error}") from None
        self._resource_type_name = f"dynamic/seatwise/{kind.name}:Roster"  # type: ignore[misc]
        props = {
            "members": {key: _kept_secret(kind.schema, member) for key, member in declared.items()},
            "on_existing": on_existing,
            "on_leave": on_leave,
            "max_removals": max_removals,
        }
        signed = with_owner(props, owner_named(resource_name, opts), former_owners(self, resource_name, opts))
        with awaited_as_one():
            super().__init__(load(f"{kind.name}:Roster"), resource_name, program_inputs(signed, THIS_RUN), opts)
        outputs = Output.all(self.failed, self.counts, failed_run_of(self.__dict__))
        outputs.apply(lambda known: _fail_if_any_failed(resource_name, *known))


def _kept_secret(schema: Mapping[str, Field], member: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Output.secret(value) if schema[name].secret else value for name, value in member.items()}


def _fail_if_any_failed(
    name: str, failed: dict[str, str] | None, counts: dict[str, int] | None, failed_in: str | None
) -> None:
    """End the program with an error: the engine knows no partial failure of a resource.

    Failures of an earlier run do not count: this run may be a destroy or a refresh that runs the program.
    """
    if failed and failed_in in (None, THIS_RUN):
        raise pulumi.RunError(failures(name, failed, counts or {}))
