"""The Pulumi resource that a vendor's `Membership` extends: one user in one group."""

from typing import Any

import pulumi
from pulumi import Input, Output, dynamic

from ..core.account.properties import with_owner
from ..core.vendor.text import module_name
from ..dynamic import load
from .owners import owner_named
from .user import refuse_provider
from .waiting import awaited_as_one


class MembershipResource(dynamic.Resource):
    """One user in one group. Use a vendor's `Membership`."""

    user: Output[str]
    """The id of the user."""
    group: Output[str]
    """The id of the group."""
    shown_in: Output[str]
    """Where the service shows the membership: `"group"`, `"user"`, or in the answer to a `"filter"`. Empty if it shows
    it nowhere: then a removal by hand is not noticed."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Name the type after the vendor's module."""
        super().__init_subclass__(**{"module": f"seatwise/{module_name(cls)}", "name": cls.__name__} | keywords)

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        user: Input[str],
        group: Input[str],
    ) -> None:
        """Declare that a user is in a group.

        Args:
            resource_name: The name of the resource.
            opts: Pulumi's options.
            user: The id of the user, such as the `id` of a `User` of the same vendor.
            group: The id of the group.

        Raises:
            pulumi.RunError: The options name another vendor's provider, or `import_`.

        """
        key = self._resource_type_name.rpartition("/")[2]
        refuse_provider(resource_name, key.partition(":")[0], opts)
        if opts is not None and opts.import_ is not None:
            remedy = "declare it without: a user who is in the group already stays in it"
            raise pulumi.RunError(f"{resource_name}: the option import_ cannot take over a membership: {remedy}")
        props = {"user": user, "group": group, "shown_in": None}
        with awaited_as_one():
            super().__init__(load(key), resource_name, with_owner(props, owner_named(resource_name, opts)), opts)
