"""A Keycloak of this run's own, with a realm for each test.

Keycloak is a server that nobody here wrote, and its SCIM API a preview feature of it:
https://www.keycloak.org/docs/latest/server_admin/. `make test-keycloak` gets it; without it these tests are skipped.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.conftest import Project

HOME = os.environ.get("SEATWISE_KEYCLOAK", "")
WHY_NOT = os.environ.get("SEATWISE_NO_KEYCLOAK", "run it with `make test-keycloak`")
START_TIMEOUT_S = 240
ADMIN = "admin"
CLIENT, SECRET = "seatwise", "a-client-secret"
ROLES = ("manage-users", "view-users", "query-users", "query-groups", "manage-realm")
"""What the client may do: roles of Keycloak's own client `realm-management`."""


class Realm:
    """A realm with users and groups, and a back door to it: Keycloak's admin API."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url, timeout=60)
        self._token, self._until = "", 0.0
        self.name = f"r-{uuid.uuid4().hex[:8]}"
        self.base_url = f"{url}/realms/{self.name}/scim/v2"
        self._set_up()
        self.environment = {
            "SCIM_BASE_URL": self.base_url,
            "SCIM_CLIENT_ID": CLIENT,
            "SCIM_CLIENT_SECRET": SECRET,
            "SCIM_TOKEN_URL": f"{url}/realms/{self.name}/protocol/openid-connect/token",
            "SCIM_SERVICE": "keycloak",
        }

    def close(self) -> None:
        """Delete the realm."""
        self._ask("DELETE", "")
        self._http.close()

    def _set_up(self) -> None:
        self._ask("POST", "/admin/realms", {"realm": self.name, "enabled": True, "scimApiEnabled": True})
        audience = {
            "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
            "config": {"included.custom.audience": self.base_url, "access.token.claim": "true"},
        }  # fmt: skip
        client = {
            "clientId": CLIENT, "secret": SECRET, "serviceAccountsEnabled": True, "standardFlowEnabled": False,
            "protocolMappers": [audience],
        }  # fmt: skip
        self._ask("POST", "/clients", client)
        (made,) = self._ask("GET", f"/clients?clientId={CLIENT}")
        (management,) = self._ask("GET", "/clients?clientId=realm-management")
        account = self._ask("GET", f"/clients/{made['id']}/service-account-user")["id"]
        roles = [each for each in self._ask("GET", f"/clients/{management['id']}/roles") if each["name"] in ROLES]
        self._ask("POST", f"/users/{account}/role-mappings/clients/{management['id']}", roles)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        whole = path if path.startswith("/admin") else f"/admin/realms/{self.name}{path}"
        answer = self._http.request(method, whole, json=body, headers={"Authorization": f"Bearer {self._admin()}"})
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _admin(self) -> str:
        if time.monotonic() > self._until:
            form = {"grant_type": "password", "client_id": "admin-cli", "username": ADMIN, "password": ADMIN}
            answer = (
                self._http.post("/realms/master/protocol/openid-connect/token", data=form).raise_for_status().json()
            )
            self._token, self._until = answer["access_token"], time.monotonic() + answer["expires_in"] / 2
        return self._token

    # --- the back door ------------------------------------------------------------------------

    def users(self) -> dict[str, dict[str, Any]]:
        """Return Keycloak's own records, by user name."""
        return {each["username"]: each for each in self._ask("GET", "/users?max=2000")}

    def change(self, name: str, **fields: Any) -> None:
        """Change a user by hand."""
        user = self.users()[name]
        self._ask("PUT", f"/users/{user['id']}", {**user, **fields})

    def remove(self, name: str) -> None:
        """Delete a user by hand."""
        self._ask("DELETE", f"/users/{self.users()[name]['id']}")

    def add(self, name: str, **fields: Any) -> None:
        """Create a user by hand."""
        self._ask("POST", "/users", {"username": name, "enabled": True, **fields})

    def add_group(self, name: str) -> None:
        """Create a group by hand."""
        self._ask("POST", "/groups", {"name": name})

    def members(self, name: str) -> set[str]:
        """Return the user names of a group's members."""
        return {each["username"] for each in self._ask("GET", f"/groups/{self._group(name)}/members")}

    def put_out(self, user: str, group: str) -> None:
        """Take a user out of a group by hand."""
        self._ask("DELETE", f"/users/{self.users()[user]['id']}/groups/{self._group(group)}")

    def _group(self, name: str) -> str:
        return next(str(each["id"]) for each in self._ask("GET", "/groups") if each["name"] == name)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running Keycloak, which keeps its data in memory."""
    if not HOME:
        pytest.skip(f"no Keycloak: {WHY_NOT}")
    home = tmp_path_factory.mktemp("keycloak") / "home"
    shutil.copytree(HOME, home)  # it writes into its own folder
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(home / "bin" / "kc.sh"), "start-dev", "--features=scim-api", "--db=dev-mem", f"--http-port={port}"]
    environment = {**os.environ, "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN, "KC_BOOTSTRAP_ADMIN_PASSWORD": ADMIN}
    said = home / "said.txt"
    with said.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(process, url, said)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], url: str, said: Path) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(f"{url}/realms/master", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"Keycloak did not start within {START_TIMEOUT_S} seconds: {said.read_text()[-2000:]}")


@pytest.fixture
def realm(server: str) -> Iterator[Realm]:
    """An empty realm."""
    made = Realm(server)
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path, realm: Realm) -> Project:
    """An empty project with a stack, whose environment points at the realm."""
    made = Project(tmp_path, realm)
    made.program()
    made.run("stack", "init", "test")
    return made
