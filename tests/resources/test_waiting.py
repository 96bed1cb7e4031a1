"""What Pulumi's SDK waits for at the end of a program: one future for all of seatwise's resources."""

import asyncio
from collections import deque
from typing import Any

import pytest
from pulumi.runtime import settings

from resources import mocked
from seatwise.dynamic.host import COLLECTED_RARELY
from seatwise.resources import waiting
from seatwise.resources.waiting import StandIn, awaited_as_one

RUN = """
import asyncio
from pulumi.runtime import stack

def run(program):
    loop = asyncio.get_event_loop()
    loop.run_until_complete(stack.wait_for_rpcs())  # for the stack itself, which mocks begin with
    loop.run_until_complete(stack.run_pulumi_func(program))
"""
"""`run` does with a program what the `pulumi` command does."""
WATCHED = """
lengths = []
inner = asyncio.wait
async def wait(pending, **keywords):
    lengths.append(len(pending))
    return await inner(pending, **keywords)
stack.asyncio.wait = wait

class Plain(pulumi.CustomResource):
    def __init__(self, name):
        super().__init__("test:index:Plain", name, dict.fromkeys(map(str, range(10))))

def program():
    for number in range(30):
        DECLARATION

run(program)
print(json.dumps([len(Engine.resources), max(lengths)]))
"""
DECLARATIONS = {
    "User": "enerflo.User(f'u{number}', email=f'u{number}@example.com', roles=['Setter'])",
    "Person": "seatwise.Person(f'p{number}', email=f'p{number}@example.com',"
    " accounts=[enerflo.Account(roles=['Setter']), nexudus.Account(full_name='Ana', language=2)])",
    "Roster": "seatwise.Roster(f't{number}', vendor=enerflo,"
    " members=[enerflo.UserArgs(email=f'u{number}@example.com', roles=['Setter'])])",
}


def awaited_at_once(declaration: str) -> tuple[int, int]:
    """Return how many resources 30 such declarations are, and how many futures the SDK waits for at most."""
    resources, most = mocked.run(RUN + WATCHED.replace("DECLARATION", declaration))
    return resources, most


@pytest.mark.parametrize(("kind", "registered"), [("User", 30), ("Person", 90)])
def test_the_sdk_waits_for_one_future_for_many_resources(kind: str, registered: int) -> None:
    resources, most = awaited_at_once(DECLARATIONS[kind])
    assert resources == registered
    assert most < 10, "the stack's own, and one more"


def test_the_only_future_of_a_team_to_wait_for_is_its_verdict() -> None:
    resources, most = awaited_at_once(DECLARATIONS["Roster"])
    assert resources == 30
    assert most < 30 * 6, "a team has nine outputs of its own"


def test_the_sdk_needs_it_still() -> None:
    """If this fails, the SDK was mended: `seatwise.resources.waiting` and decision 11 can go."""
    resources, most = awaited_at_once("Plain(f'p{number}')")
    assert (resources, most >= 30 * 10) == (30, True)


# --- how a program ends -----------------------------------------------------------------------

USERS = """
import time
registered = Engine.new_resource

def new_resource(self, args):
    if args.name == "bad":
        raise RuntimeError("the engine has refused it")
    if args.name == "slow":
        time.sleep(1)
        print("slow is registered", flush=True)
    return registered(self, args)

Engine.new_resource = new_resource

def user(name):
    return enerflo.User(name, email=f"{name}@example.com", roles=["Setter"])

def refuse(id):
    raise pulumi.RunError(f"{id} is refused")

def program():
    PROGRAM

try:
    run(program)
finally:
    print("the program has ended", flush=True)
"""
ENDED = "the program has ended\n"


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("user('slow'); user('bad')", "RuntimeError: the engine has refused it"),
        ("user('bad'); user('slow')", "RuntimeError: the engine has refused it"),
        ("user('slow'); user('ana').id.apply(refuse)", "RunError: id of ana is refused"),
        ("user('ana').email.apply(refuse); user('slow')", "RunError: ana@example.com is refused"),
    ],
)
def test_a_failure_ends_the_program_at_once(program: str, error: str) -> None:
    ran = mocked.process(RUN + USERS.replace("PROGRAM", program))
    assert ran.returncode != 0
    assert error in ran.stderr
    assert "never retrieved" not in ran.stderr
    assert ran.stdout.startswith(ENDED)


@pytest.mark.parametrize(
    "program",
    [
        "user('slow')",
        "user('slow').id.apply(lambda id: print(f'{id} is known'))",
        "user('ana').id.apply(lambda id: user('slow') and None)",
        "pulumi.Output.from_input(1).apply(lambda one: user('slow').id)",
    ],
)
def test_the_program_ends_after_the_last_registration(program: str) -> None:
    ran = mocked.process(RUN + USERS.replace("PROGRAM", program))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("slow is registered\n")
    assert ran.stdout.endswith(ENDED)
    assert ("id of slow is known" in ran.stdout) == ("known" in program)


# --- the stand-in -----------------------------------------------------------------------------


async def outcome(*ends: Any) -> Any:
    """Return how a stand-in ends for futures with these results and errors, one after the other."""
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in ends]
    stand_in = StandIn(loop)
    stand_in.replace(futures)
    for future, end in zip(futures, ends, strict=True):
        assert not stand_in.done()
        if isinstance(end, Exception):
            future.set_exception(end)
        elif end is not None:
            future.set_result(end)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return stand_in.exception() if stand_in.done() else "waits"


@pytest.mark.parametrize(
    ("ends", "expected"), [((1, 2), "None"), ((1, None), "waits"), ((1, ValueError("no")), "no"), ((None,), "waits")]
)
def test_a_stand_in_ends_with_its_last_future_or_its_first_error(ends: tuple[Any, ...], expected: str) -> None:
    assert str(asyncio.run(outcome(*ends))) == expected


def test_a_cancelled_future_cancels_its_stand_in() -> None:
    async def main() -> bool:
        future = asyncio.get_running_loop().create_future()
        stand_in = StandIn(asyncio.get_running_loop())
        stand_in.replace([future])
        future.cancel()
        await asyncio.wait([stand_in])
        return stand_in.cancelled()

    assert asyncio.run(main())


class Settings:
    """Settings of an SDK that keeps what it waits for so."""

    def __init__(self, outputs: Any) -> None:
        self.outputs = outputs


@pytest.mark.parametrize(("shape", "adding"), [(set, "add"), (deque, "append")])
def test_each_version_of_the_sdk_waits_for_a_stand_in(
    shape: type[Any], adding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        other = loop.create_future()
        outputs = shape([other])
        monkeypatch.setattr(settings, "SETTINGS", Settings(outputs))
        for _ in range(3):
            with awaited_as_one():
                getattr(outputs, adding)(loop.create_future())
        return [type(each).__name__ for each in outputs if each is not other]

    assert asyncio.run(main()) == ["StandIn"]


@pytest.mark.parametrize("outputs", [[], deque(["text"])])
def test_what_has_another_shape_stays_as_it_is(outputs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SETTINGS", Settings(outputs))
    with awaited_as_one():
        outputs.append("more")
    assert outputs[-1] == "more"


def test_an_sdk_without_a_set_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for without in (Settings(None), object()):
        monkeypatch.setattr(settings, "SETTINGS", without)
        with awaited_as_one():
            pass
    monkeypatch.delattr(settings, "SETTINGS")
    with awaited_as_one():
        pass


def test_the_set_of_this_sdk_is_known() -> None:
    """If this fails, the SDK has moved what it waits for, and programs are slow again."""
    assert waiting._awaited() is not None


@pytest.mark.parametrize("threshold", [0, 5_000_000])
def test_a_collector_that_a_program_has_tuned_stays(monkeypatch: pytest.MonkeyPatch, threshold: int) -> None:
    monkeypatch.setenv("SEATWISE_COLLECT_RARELY", "true")
    declaration = DECLARATIONS["User"].replace("{number}", "1")
    program = f"import gc\ngc.set_threshold({threshold})\nrun(lambda: [{declaration}] and None)\n"
    assert mocked.run(RUN + program + "print(json.dumps(gc.get_threshold()))\n")[0] == threshold


@pytest.mark.parametrize(("value", "is_rare"), [("true", True), ("false", False), (None, False), ("perhaps", False)])
def test_the_collector_runs_rarely_only_if_the_setting_says_so(
    monkeypatch: pytest.MonkeyPatch, value: str | None, *, is_rare: bool
) -> None:
    if value is not None:
        monkeypatch.setenv("SEATWISE_COLLECT_RARELY", value)
    told = "import gc\nrun(lambda: [DECLARATION] and None)\nprint(json.dumps(gc.get_threshold()))\n"
    declaration = DECLARATIONS["User"].replace("{number}", "1")
    thresholds = mocked.run(RUN + told.replace("DECLARATION", declaration))
    assert (tuple(thresholds) == COLLECTED_RARELY) is is_rare
