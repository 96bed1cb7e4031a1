"""Credentials and clients of the stand-ins."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from httpx import Client

from conftest import Sandbox, running_with

ENERFLO_KEY: Final = {"api-key": "sandbox-enerflo-key"}
NEXUDUS_LOGIN: Final = {
    "grant_type": "password", "username": "admin@sandbox.example", "password": "sandbox-nexudus-password",
}  # fmt: skip
TENOVOS_KEY: Final = {"x-api-key": "sandbox-tenovos-key"}
TENOVOS_LOGIN: Final = {"clientId": "sandbox-client", "username": "admin", "password": "sandbox-tenovos-password"}
NEW: Final[dict[str, Any]] = {
    "email": "ana@example.com", "notify_email": False, "allow_optimus": False, "roles": ["Setter"],
}  # fmt: skip
"""What a create at Enerflo needs."""
MANY: Final = {
    "enerflo": [
        {**NEW, "active": True, "can_create_customers": True, "id": number, "email": f"{number}@x.example"}
        for number in range(205)
    ],
    "nexudus": [
        {"FullName": "Ana", "Language": 2, "Id": number, "Email": f"{number}@x.example"} for number in range(105)
    ],
    "tenovos": [
        {"userId": f"{number}", "email": f"{number}@x.example", "username": f"{number}", "status": "enabled"}
        for number in range(105)
    ],
}


@pytest.fixture
def http(sandbox: Sandbox) -> Iterator[Client]:
    """A client of the sandbox without limits."""
    with Client(base_url=sandbox.url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a sandbox with many accounts at each vendor, for tests that only read."""
    with (
        running_with(MANY, tmp_path_factory.mktemp("crowded")) as url,
        Client(base_url=url, trust_env=False) as client,
    ):
        yield client


def logged_in(http: Client, path: str) -> dict[str, str]:
    """Return the headers of a login at the stand-in that has this path."""
    if path.startswith("/nexudus"):
        token = http.post("/nexudus/api/token", data=NEXUDUS_LOGIN).json()["access_token"]
        return {"authorization": f"Bearer {token}"}
    if path.startswith("/tenovos"):
        session = http.post("/tenovos/auth/token", headers=TENOVOS_KEY, json=TENOVOS_LOGIN).json()["session"]
        return {**TENOVOS_KEY, "authorization": session["authorization"], "accesstoken": session["accessToken"]}
    return ENERFLO_KEY
