"""The engine's state, read from `pulumi stack export`."""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from seatwise.core.account.owner import Owner
from seatwise.core.vendor.boundary import SIGNATURE
from seatwise.core.vendor.errors import AccountError
from seatwise.wire.engine import StackState, held, run_id

pytestmark = pytest.mark.anyio
ANA = str(Owner("accounts", "dev", (), "ana"))


def resource(kind: str, id: str, name: str = "ana", **more: Any) -> dict[str, Any]:
    type_ = f"pulumi-python:dynamic/seatwise/{kind}"
    return {"urn": f"urn:pulumi:dev::accounts::{type_}::{name}", "type": type_, "id": id, "outputs": {}, **more}


def secret(**how: str) -> dict[str, Any]:
    return {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", **how}


STATE: Any = {
    "deployment": {
        "resources": [
            {"urn": "urn:pulumi:dev::accounts::pulumi:pulumi:Stack::accounts-dev", "type": "pulumi:pulumi:Stack"},
            resource("enerflo:User", "1001", outputs={"password": secret(plaintext='"scrypt:a"'), "__revision": 2}),
            resource("enerflo:User", "1001", name="boss", external=True),
            resource("enerflo:User", "1001", delete=True, outputs={"__revision": 1}),
            resource("nexudus:User", "1001", outputs={"password": secret(ciphertext="v1:x"), "email": "a@x.example"}),
            resource(
                "nexudus:Roster", "accounts/dev/ana", outputs={"ids": {"b@x.example": "1001", "c@x.example": "7"}}
            ),
        ]
    }
}


def exported(*answers: bytes | AccountError) -> tuple[Callable[..., Awaitable[bytes]], list[tuple[str, ...]]]:
    """Return an export that gives these answers in order, and the list of its calls' arguments."""
    calls: list[tuple[str, ...]] = []

    async def export(*arguments: str) -> bytes:
        answer = answers[len(calls)]
        calls.append(arguments)
        if isinstance(answer, AccountError):
            raise answer
        return answer

    return export, calls


async def test_resources_of_one_owner_differ_by_vendor_and_kind() -> None:
    export, calls = exported(json.dumps(STATE).encode())
    state = StackState(export)

    found = {(each.kind, each.is_live, each.outputs.get("__revision")) for each in await state.of_owner(ANA)}

    assert found == {
        ("enerflo:User", True, 2),
        ("enerflo:User", False, 1),
        ("nexudus:User", True, None),
        ("nexudus:Roster", True, None),
    }
    assert {each.kind for each in await state.of_account("7", ANA)} == {"nexudus:Roster"}
    assert len(await state.of_account("1001", ANA)) == 4
    assert await state.of_owner("accounts/dev/ana") == await state.of_owner(ANA), "the form of an earlier version"
    assert len(calls) == 1, "the stack is exported once"


def test_encrypted_secrets_are_left_out_and_marked() -> None:
    """A resource that is only read is no resource of an owner."""
    shown, _, hidden, _ = held(STATE)
    assert (shown.outputs["password"], shown.is_whole) == ("scrypt:a", True)
    assert (dict(hidden.outputs), hidden.is_whole) == ({"email": "a@x.example"}, False)


async def test_without_the_passphrase_a_state_is_read_without_secrets() -> None:
    export, calls = exported(AccountError("failed"), json.dumps(STATE).encode())
    assert await StackState(export).of_owner(ANA)
    assert calls == [("--show-secrets", "--stack", "dev"), ("--stack", "dev")]


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b"null", AccountError("there is no pulumi command on PATH")])
async def test_a_state_that_cannot_be_read_is_an_error_each_time(answer: bytes | AccountError) -> None:
    export, calls = exported(answer, answer, answer)
    state = StackState(export)
    for _ in range(2):
        with pytest.raises(AccountError, match="the state of the stack dev cannot be read: "):
            await state.of_owner(ANA)
    assert len(calls) == 3


async def test_outputs_that_are_not_an_object_are_no_state() -> None:
    broken = {"deployment": {"resources": [resource("enerflo:User", "1001", outputs=["a"])]}}
    export, _ = exported(*[json.dumps(broken).encode()] * 3)
    with pytest.raises(AccountError, match="`pulumi stack export` printed no state"):
        await StackState(export).of_owner(ANA)


async def test_a_mistake_of_the_code_is_no_unreadable_state() -> None:
    """It must show as what it is, and not as a remedy that does not help."""

    async def export(*arguments: str) -> bytes:
        raise TypeError("an unexpected argument")

    with pytest.raises(TypeError):
        await StackState(export).of_owner(ANA)


# --- the id of a run --------------------------------------------------------------------------

ADDRESS = "127.0.0.1:40001"


def processes(folder: Path, started: int, name: str = "pulumi") -> Path:
    """What Linux shows of an engine that has started a provider in a shell."""
    for process, comm, parent, start in ((os.getppid(), "a (shell)", 77, 9), (77, name, 1, started), (1, "init", 0, 1)):
        numbers = " ".join(str(parent if place == 0 else start if place == 18 else 0) for place in range(40))
        (folder / str(process)).mkdir(parents=True, exist_ok=True)
        (folder / str(process) / "stat").write_text(f"{process} ({comm}) S {numbers}\n")
    return folder


def test_a_later_engine_at_the_same_port_is_another_run(tmp_path: Path) -> None:
    first = run_id(["-m", ADDRESS], processes(tmp_path, 500))
    assert first == run_id(["-m", ADDRESS], processes(tmp_path, 500)) == f"{ADDRESS} 77 500"
    assert run_id(["-m", ADDRESS], processes(tmp_path, 900)) != first


def test_without_a_list_of_processes_the_address_tells_runs(tmp_path: Path) -> None:
    assert run_id(["-m", ADDRESS], tmp_path / "proc") == ADDRESS
    assert run_id(["-m", ADDRESS], processes(tmp_path, 500, name="other")) == ADDRESS


def test_without_an_engine_a_run_is_a_process() -> None:
    assert run_id(["-m", "pytest"]) == run_id([]) == str(os.getpid())
