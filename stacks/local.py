"""Resources of another kind, in place of the rest of an infrastructure: a number and a file."""

import json
import secrets
from pathlib import Path
from typing import Any

from pulumi import Input, Output, ResourceOptions, dynamic


class _NumberProvider(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        number = f"{props['prefix']}-{secrets.randbelow(10**6):06}"
        return dynamic.CreateResult(number, {**props, "number": number})


class EmployeeNumber(dynamic.Resource, module="local", name="EmployeeNumber"):
    """A random number that is drawn once for a person and kept in the state."""

    number: Output[str]

    def __init__(self, name: str, prefix: Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__(_NumberProvider(), name, {"prefix": prefix, "number": None}, opts)


class _FileProvider(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        self._write(props)
        return dynamic.CreateResult(props["path"], props)

    def update(self, id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        self._write(news)
        return dynamic.UpdateResult(news)

    def delete(self, id: str, props: dict[str, Any]) -> None:
        Path(id).unlink(missing_ok=True)

    @staticmethod
    def _write(props: dict[str, Any]) -> None:
        path = Path(props["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(props["content"], indent=2, sort_keys=True) + "\n")


class JsonFile(dynamic.Resource, module="local", name="JsonFile"):
    """A JSON file on this machine, such as an access report."""

    def __init__(self, name: str, path: str, content: Input[Any], opts: ResourceOptions | None = None) -> None:
        super().__init__(_FileProvider(), name, {"path": path, "content": content}, opts)
