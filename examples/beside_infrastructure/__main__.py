"""An account beside resources of another kind, in place of the rest of an infrastructure.

A number that is drawn in this stack goes into the account, and the account's id into a file.
"""

import secrets
from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

from seatwise import enerflo


class NumberProvider(dynamic.ResourceProvider):
    """Draws a number once, and keeps it."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        number = f"E-{secrets.randbelow(10**6):06}"
        return dynamic.CreateResult(number, {"number": number})


class Number(dynamic.Resource):
    """An employee's number."""

    number: pulumi.Output[str]

    def __init__(self, name: str) -> None:
        super().__init__(NumberProvider(), name, {"number": None})


class FileProvider(dynamic.ResourceProvider):
    """Writes a file on this machine."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        Path(props["path"]).write_text(props["content"])
        return dynamic.CreateResult(props["path"], props)

    def update(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        Path(news["path"]).write_text(news["content"])
        return dynamic.UpdateResult(news)

    def delete(self, id: str, props: dict[str, Any]) -> None:
        Path(id).unlink(missing_ok=True)


class File(dynamic.Resource):
    """A text file, such as a report of who has access."""

    def __init__(self, name: str, path: str, content: pulumi.Input[str]) -> None:
        super().__init__(FileProvider(), name, {"path": path, "content": content})


number = Number("ana")
ana = enerflo.User("ana", email="ana@example.com", roles=["Sales Rep"], external_user_id=number.number)
File("access", "access.json", pulumi.Output.json_dumps({"ana@example.com": ana.id}))
