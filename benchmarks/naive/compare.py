"""The harm that faults cause with three tools that create accounts: the same faults, vendor and engine for each.

The cells of the fault matrix in which an account of Enerflo is made, in all their variants: a run that meets
the fault, and a plain run after it. The vendor would take two accounts with one e-mail. Counted is what is at
the vendor then, in the engine's state, and in what was said. Everything happens in virtual time.

    python benchmarks/naive/compare.py [--write FILE]

prints the table; `--write` puts it between the markers in that file.
"""

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import httpx  # noqa: E402
import trio  # noqa: E402
from benchmarks.naive import naive  # noqa: E402
from pulumi import dynamic  # noqa: E402
from trio.testing import MockClock  # noqa: E402

from faults import CELLS, Scene, Variant, goal, meet, mend, prepare  # noqa: E402
from model import Stack  # noqa: E402
from oracle import TURNED_AWAY  # noqa: E402
from seatwise.wire.settings import RunSettings  # noqa: E402
from virtual import Killed, World  # noqa: E402

VENDOR = "enerflo"
PLACE = "create"
CREATES = [cell for cell in CELLS if (cell.operation, cell.vendor) == (PLACE, VENDOR)]
RUNS = [variant for cell in CREATES for _, variant in cell.variants]
MARKERS = ("<!-- naive:begin -->", "<!-- naive:end -->")
T = TypeVar("T")


@dataclass(frozen=True)
class Harm:
    """The harm that was done; None where it cannot be known."""

    duplicates: int = 0
    """Accounts with an e-mail that another account has."""
    orphans: int = 0
    """Accounts that no state knows."""
    leaks: int | None = 0
    """Secrets in the state or in messages, counted in each run that has secrets."""
    sent_twice: int = 0
    """Creates that were sent again in the same run though the first may have been carried out."""

    def __add__(self, other: "Harm") -> "Harm":
        leaks = None if self.leaks is None or other.leaks is None else self.leaks + other.leaks
        return Harm(
            self.duplicates + other.duplicates,
            self.orphans + other.orphans,
            leaks,
            self.sent_twice + other.sent_twice,
        )


def in_virtual_time(work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Run the work in virtual time, in which waits end at once, and return its result."""
    return trio.run(work, *arguments, clock=MockClock(autojump_threshold=0))


# --- counting ---------------------------------------------------------------------------------


def harm(world: World, known: Iterable[str], told: Iterable[str] | None) -> Harm:
    """Count the harm at the vendor, of whose accounts the state knows some, and in stored texts and messages."""
    emails = Counter(world.email(record) for record in world.accounts.values())
    text = None if told is None else "".join(told)
    return Harm(
        duplicates=sum(count - 1 for count in emails.values()),
        orphans=len(world.accounts.keys() - set(known) - world.by_hand.keys()),
        leaks=None if text is None else sum(secret in text for secret in world.secrets()),
        sent_twice=sent_twice(world),
    )


def sent_twice(world: World) -> int:
    """Return how many creates followed one of the same account in the same run that may have been carried out."""
    perhaps: set[tuple[int, str]] = set()
    count = 0
    for sent in world.trail:
        if sent.kind != PLACE:
            continue
        key = (sent.process, sent.body["email"])
        count += key in perhaps
        status = 0 if sent.answer is None else sent.answer.status_code
        if sent.arrived and not (400 <= status < 500 or status in TURNED_AWAY):
            perhaps.add(key)
    return count


# --- seatwise ---------------------------------------------------------------------------------


def seatwise(world: World, variant: Variant) -> Harm:
    """Count the harm with this project's provider."""
    return in_virtual_time(_seatwise, world, variant)


async def _seatwise(world: World, variant: Variant) -> Harm:
    scene, stack = Scene(world, variant, PLACE), Stack(world, checkpoints=variant.checkpoints)
    await prepare(scene, stack)
    await meet(scene, stack)
    told = [str(error) for error in stack.failures.values()]
    await mend(scene, stack)
    await stack.up(goal(scene))
    told += [repr(stack.state), *world.warnings, *map(str, stack.failures.values())]
    return harm(world, [each.id for each in stack.state.values()], told)


# --- providers that have only `create` --------------------------------------------------------


Create = Callable[[dict[str, Any]], dynamic.CreateResult]


class Plain:
    """The engine with such a provider: a failed create leaves nothing in the state, and is repeated in the next run."""

    def __init__(self, world: World, create: Create, *, checkpoints: bool) -> None:
        self._world = world
        self._create = create
        self._checkpoints = checkpoints
        self.state: dict[str, dynamic.CreateResult] = {}
        self.said: list[str] = []

    def up(self, program: Mapping[str, Mapping[str, Any]]) -> None:
        """Create the missing accounts."""
        before = dict(self.state)
        try:
            for name in [each for each in program if each not in self.state]:
                self.state[name] = self._create(self._properties(program[name]))
        except Killed:
            self.state = self.state if self._checkpoints else before
        except Exception as error:
            self.said.append(f"{error} {error!r}")
        in_virtual_time(self._world.restart)

    def _properties(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of a create, and its URL."""
        settings = self._world.settings
        body = {name: value for name, value in arguments.items() if name != "office_ids"}
        here = {"base": settings.base_url, "key": settings.api_key.get_secret_value()}
        return {**here, **body, "notify_email": False, "allow_optimus": False}


def plain(world: World, variant: Variant, create: Create) -> Plain:
    """Do the run with the fault, and the next one."""
    late: list[httpx.Request] = []
    scene = Scene(world, variant, PLACE, lambda seconds, request: late.append(request))
    stack = Plain(world, create, checkpoints=variant.checkpoints)
    if variant.others_first:
        stack.up(scene.program(*scene.people[1:]))
    scene.begin()
    stack.up(goal(scene))
    scene.end()
    for request in late:
        in_virtual_time(world.arrive, request)
    if variant.remedy:
        scene.delete_by_hand()
    stack.up(goal(scene))
    return stack


def poster(world: World) -> Callable[..., httpx.Response]:
    """`httpx.post` in this world."""

    async def post(url: str, **arguments: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=world.transport, trust_env=False) as http:
            return await http.post(url, **arguments)

    return lambda url, **arguments: in_virtual_time(lambda: post(url, **arguments))


def documented(world: World, variant: Variant) -> Harm:
    """Count the harm with the dynamic provider of Pulumi's documentation."""

    class Provider(naive.Provider):
        post = staticmethod(poster(world))

    stack = plain(world, variant, Provider().create)
    texts = [str(vars(each)) for each in stack.state.values()]
    return harm(world, [str(each.id) for each in stack.state.values()], texts + stack.said)


class RetryingRest:
    """A model of one rule, not of a real tool: a create is sent again after every failure.

    So do the generic REST providers that are built on a retrying HTTP client and leave its usual rule in
    place: up to four times more after a connection error or any 5xx, and without looking whether it is there.
    What they keep in a state is not modelled.
    """

    RETRIES = 4

    def __init__(self, post: Callable[..., httpx.Response]) -> None:
        self._post = post

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Create the account."""
        body = {name: value for name, value in props.items() if name not in naive.HERE_ONLY}
        for left in reversed(range(1 + self.RETRIES)):
            try:
                answer = self._post(f"{props['base']}/api/v1/users", headers={"api-key": props["key"]}, json=body)
            except httpx.TransportError:
                if not left:
                    raise
            else:
                if answer.status_code < 500 or not left:
                    break
        answer.raise_for_status()
        return dynamic.CreateResult(str(answer.json()["user"]["id"]), outs={})


def retrying(world: World, variant: Variant) -> Harm:
    """Count the harm with a generic REST provider's rule for retries."""
    stack = plain(world, variant, RetryingRest(poster(world)).create)
    return harm(world, [str(each.id) for each in stack.state.values()], None)


# --- the table --------------------------------------------------------------------------------

TOOLS = {
    "seatwise": seatwise,
    "a dynamic provider as documented": documented,
    "a REST provider that retries": retrying,
}


def counted(tool: Callable[[World, Variant], Harm], folder: Path) -> Harm:
    """Return the harm that a tool does in all runs."""
    whole = Harm()
    for number, variant in enumerate(RUNS):
        run = RunSettings.model_construct(journal=folder / f"{number}.db", max_removals=None, share_limits=False)
        world = World(VENDOR, run, unique_emails=variant.unique_emails)
        password = world.vendor.example["password"]
        whole += tool(world, replace(variant, arguments={**variant.arguments, "password": password}))
        in_virtual_time(world.__aexit__)
    return whole


def compared() -> dict[str, Harm]:
    """Return the harm that each tool does."""
    found = {}
    for name, tool in TOOLS.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = counted(tool, Path(folder))
    return found


def table(found: Mapping[str, Harm]) -> str:
    """Return the comparison in Markdown."""
    lines = ["| tool | cells | runs | duplicates | orphans | leaks | creates sent twice |", "|---" * 7 + "|"]
    for name, each in found.items():
        figures = ("not modelled" if figure is None else figure for figure in astuple(each))
        lines.append(f"| {' | '.join(map(str, (name, len(CREATES), len(RUNS), *figures)))} |")
    return "\n".join(lines)


def put(text: str, between: str) -> str:
    """Return the text with this content between the markers."""
    begin, end = MARKERS
    new, count = re.subn(rf"(?<={begin}\n).*?(?={end})", lambda _: f"{between}\n", text, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"the markers {begin} and {end} must be there once, each in a line of its own")
    return new


def main() -> None:
    """Print the table, or put it into a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="the file whose table is replaced")
    file: Path | None = parser.parse_args().write
    text = table(compared())
    if file is None:
        print(text)  # noqa: T201 - a command prints
    else:
        file.write_text(put(file.read_text(), text))


if __name__ == "__main__":
    main()
