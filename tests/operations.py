"""The core's operations on properties as the engine has them. The owner is given beside them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatwise.core.account import lifecycle as accounts
from seatwise.core.account.ports import Tenant
from seatwise.core.account.properties import AccountState, Declared
from seatwise.core.team import lifecycle as teams
from seatwise.core.team.properties import Team, TeamDeclared

Properties = Mapping[str, Any]


def through_the_engine(properties: Any) -> Any:
    """Properties as the engine gives them back: all numbers are floats, nulls are gone."""

    def without_nulls(values: dict[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in values.items() if each is not None}

    return json.loads(json.dumps(properties), parse_int=float, object_hook=without_nulls)


@dataclass(frozen=True)
class Refreshed:
    """What a refresh gives."""

    outputs: dict[str, Any]
    inputs: dict[str, Any]


class lifecycle:  # noqa: N801 - it stands for the module
    """Operations on one account."""

    @staticmethod
    async def create(tenant: Tenant, news: Properties, owner: str = "") -> tuple[str, dict[str, Any]]:
        declared = Declared.from_inputs(tenant.vendor.schema, news)
        account, state = await accounts.create(tenant, declared, owner)
        return account, state.to_outputs()

    @staticmethod
    async def read(tenant: Tenant, account: str, olds: Properties) -> Refreshed | None:
        found = await accounts.read(tenant, account, AccountState.from_outputs(tenant.vendor.schema, olds))
        return None if found is None else Refreshed(found.to_outputs(), found.declared().to_inputs())

    @staticmethod
    async def update(tenant: Tenant, account: str, olds: Properties, news: Properties) -> dict[str, Any]:
        schema = tenant.vendor.schema
        state, declared = AccountState.from_outputs(schema, olds), Declared.from_inputs(schema, news)
        return (await accounts.update(tenant, account, state, declared)).to_outputs()

    @staticmethod
    async def delete(tenant: Tenant, account: str, olds: Properties, owner: str = "") -> bool:
        return await accounts.delete(tenant, account, AccountState.from_outputs(tenant.vendor.schema, olds), owner)


class roster:  # noqa: N801 - it stands for the module
    """Operations on a team."""

    @staticmethod
    async def create(tenant: Tenant, name: str, news: Properties, owner: str) -> dict[str, Any]:
        team = await teams.create(tenant, name, TeamDeclared.from_inputs(news), owner)
        return team.to_outputs(tenant.vendor)

    @staticmethod
    async def read(tenant: Tenant, name: str, olds: Properties) -> tuple[dict[str, Any], dict[str, Any]]:
        team, declared = await teams.read(tenant, name, Team.from_outputs(tenant.vendor, olds))
        return team.to_outputs(tenant.vendor), declared.to_inputs()

    @staticmethod
    async def update(tenant: Tenant, name: str, olds: Properties, news: Properties, owner: str) -> dict[str, Any]:
        team = Team.from_outputs(tenant.vendor, olds)
        return (await teams.update(tenant, name, team, TeamDeclared.from_inputs(news), owner)).to_outputs(tenant.vendor)

    @staticmethod
    async def delete(tenant: Tenant, name: str, olds: Properties, owner: str) -> None:
        await teams.delete(tenant, name, Team.from_outputs(tenant.vendor, olds), owner)
