"""Secrets are sent to the vendor and found nowhere else: canaries, and a search of every place that is written to."""

import base64
import gzip
import json
import logging
import re
import secrets
import sqlite3
import traceback
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from conftest import Sandbox, running_sandbox
from engine.conftest import Project, Ran
from pages import ROOT
from seatwise.core.account.properties import AS_DECLARED, OWNER
from seatwise.dynamic import DynamicProvider, Failure, load
from seatwise.sandbox import store
from seatwise.vendors import vendor_named
from seatwise.wire import loop

pytestmark = pytest.mark.engine

NAIVE = ROOT / "benchmarks" / "naive" / "naive.py"
ENGINE_COMMANDS = ("preview", "up", "refresh", "destroy")
CREDENTIALS = ("ENERFLO_API_KEY", "NEXUDUS_PASSWORD", "SCIM_TOKEN", "TENOVOS_API_KEY", "TENOVOS_PASSWORD")
FIXED = ("enerflo", "tenovos")
"""Vendors whose password is said once, when the account is made."""
ZOE = {
    "enerflo": {"email": "zoe@example.com"},
    "nexudus": {"email": "zoe@example.com"},
    "scim": {"email": "zoe@example.com", "user_name": "zoe@example.com"},
    "tenovos": {"email": "zoe@example.com", "username": "zoe"},
}
Sinks = Mapping[str, Iterable[bytes]]
"""What was written, by where."""


# --- canaries and the search for them ---------------------------------------------------------


@dataclass(frozen=True)
class Canary:
    """A secret by name. `core` is the part of it that no escaping changes."""

    name: str
    value: str
    core: str


def canary(name: str) -> Canary:
    """A new secret, with characters that every encoding writes in its own way."""
    core = secrets.token_hex(12)
    return Canary(name, f'{core} "é&/+', core)


def known(name: str, value: str) -> Canary:
    return Canary(name, value, value)


def in_base64(text: str) -> set[bytes]:
    """What base64 makes of the text inside a longer one, wherever it begins: its whole characters."""
    found = set()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + text.encode())
        whole = coded[-(-before * 8 // 6) : (before + len(text.encode())) * 8 // 6]
        found |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


ENCODINGS: dict[str, Callable[[Canary], set[bytes]]] = {
    "plain text": lambda each: {each.value.encode(), each.core.encode()},
    "base64": lambda each: in_base64(each.core),
    "URL-quoted": lambda each: {quote(each.value, safe="").encode(), quote_plus(each.value).encode()},
    "JSON": lambda each: {json.dumps(each.value, ensure_ascii=plain)[1:-1].encode() for plain in (True, False)},
    "hex": lambda each: {each.core.encode().hex().encode(), each.core.encode().hex().upper().encode()},
}
"""Five, and each of them inside gzip or zlib as the sixth."""


PACKED = re.compile(rb"(?=((?:H4sI|eAE|eF4|eJ|eN)[\w+/-]{16,}))")
"""Base64 of what begins like gzip or zlib."""


def layers(blob: bytes) -> Iterator[tuple[str, bytes]]:
    """The blob and whatever is compressed in it: all of it, or values in base64."""
    yield "", blob
    for packed in chain([blob], map(unbase64, PACKED.findall(blob))):
        try:
            inner = zlib.decompressobj(wbits=47).decompress(packed)  # gzip or zlib, truncated or not
        except zlib.error:
            continue
        yield from (("compressed ", each) for _, each in layers(inner))


def unbase64(text: bytes) -> bytes:
    """What the text stands for; a last character that stands for nothing is left out."""
    digits = text.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    return base64.b64decode(digits[: len(digits) - (len(digits) % 4 == 1)] + b"==")


def hits(sinks: Sinks, canaries: Iterable[Canary]) -> list[str]:
    """Where canaries are, each by its name."""
    needles: dict[bytes, str] = {}
    for each in canaries:
        for encoding, encode in ENCODINGS.items():
            for needle in encode(each):
                needles.setdefault(needle, f"{each.name} as {{how}}{encoding}")
    found = {
        f"{what.format(how=how)} in {sink}"
        for sink, blobs in sinks.items()
        for blob in blobs
        for how, layer in layers(blob)
        for needle, what in needles.items()
        if needle in layer
    }
    return sorted(found)


HIDE: dict[str, Callable[[Canary], bytes]] = {
    "plain": lambda each: each.value.encode(),
    "base64 from the first byte": lambda each: base64.b64encode(each.value.encode()),
    "base64 from the second byte": lambda each: base64.b64encode(b"1" + each.value.encode()),
    "base64 from the third byte": lambda each: base64.b64encode(b"12" + each.value.encode() + b"3"),
    "URL-safe base64": lambda each: base64.urlsafe_b64encode(b"\xff\xff" + each.value.encode()),
    "in a URL": lambda each: quote(each.value).encode(),
    "in JSON in JSON": lambda each: json.dumps(json.dumps([each.value])).encode(),
    "hex": lambda each: each.value.encode().hex().encode(),
    "a gzip file": lambda each: gzip.compress(b"before" + each.value.encode()),
    "base64 in a gzip file": lambda each: gzip.compress(base64.b64encode(each.value.encode())),
    "a gzip value in JSON": lambda each: json.dumps(
        {"value": base64.b64encode(gzip.compress(each.value.encode())).decode()}
    ).encode(),
    "a zlib value in a text": lambda each: b"value " + base64.b64encode(zlib.compress(each.value.encode())) + b"\n",
}


@pytest.mark.parametrize("how", HIDE)
def test_the_search_finds_a_secret_in_every_encoding(how: str) -> None:
    wanted, other = canary("wanted"), canary("other")
    assert hits({"here": [b"nothing", HIDE[how](wanted)]}, [other]) == []
    assert hits({"here": [b"nothing", HIDE[how](wanted)]}, [other, wanted])[0].startswith("wanted as ")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("credential", ["sandbox-enerflo-key", "eyJhbGciOi.sandbox.secret"])
def test_the_search_finds_credentials_that_are_not_random(encoding: str, credential: str) -> None:
    wanted = known("wanted", credential)
    for needle in ENCODINGS[encoding](wanted):
        assert hits({"here": [b"before" + needle + b"after"]}, [wanted])


# --- what is searched -------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """An empty sandbox of the test's own, whose memory is a file: that shows the tokens it granted.

    Its log has the passwords that reached it, which a file has not otherwise.
    """
    monkeypatch.setattr(store, "_without_secrets", dict)
    with running_sandbox(tmp_path / "vendors.db") as sandbox:
        yield sandbox


class Watched:
    """A project of which every word is kept."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.outputs: list[bytes] = []
        self.exports: dict[str, bytes] = {}
        self._events = project.folder.parent / "events"
        self._events.mkdir()
        project.environment["PULUMI_DEBUG_COMMANDS"] = "true"  # the CLI takes --event-log
        project.environment["PULUMI_DIY_BACKEND_RETAIN_CHECKPOINTS"] = "true"  # every state there ever was

    def run(self, *arguments: str, fails: bool = False) -> Ran:
        if arguments[0] in ENGINE_COMMANDS:
            arguments += ("--event-log", str(self._events / f"{len(self.outputs)}.json"))
        ran = self.project.run(*arguments, fails=fails)
        self.outputs.append(ran.output.encode())
        return ran

    def up(self, *arguments: str, fails: bool = False) -> Ran:
        return self.run("up", "--yes", "--skip-preview", *arguments, fails=fails)

    def export(self) -> None:
        """Keep the state as the engine gives it out, as it is and decrypted."""
        for option in ([], ["--show-secrets"]):
            command = " ".join(["stack export", *option])
            self.exports[command] = self.project.run("stack", "export", *option).output.encode()

    def sinks(self) -> dict[str, list[bytes]]:
        state = files(self.project.folder.parent / "state")
        return {
            "the state folder": state,
            **{command: [text] for command, text in self.exports.items()},
            "the output of the commands": self.outputs,
            "the event logs": files(self._events),
            "__provider": providers([*state, *self.exports.values()]),
            "the project folder": files(self.project.folder),
            # Its logs are encrypted, with the stack's key: the engine's own record of all that it was told.
            "Pulumi's home": files(self.project.folder.parent / "home"),
        }


def files(folder: Path) -> list[bytes]:
    """Names and contents of all files but the program."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path != folder / "__main__.py"]
    return [str(path).encode() for path in paths] + [path.read_bytes() for path in paths]


def providers(states: Iterable[bytes]) -> list[bytes]:
    """Every `__provider`, as it is written and as the pickle that it is."""
    written = {each for state in states for each in re.findall(rb'"__provider":\s*"([^"]+)"', state)}
    return [*written, *map(unbase64, written)]


def secret_inputs(which: str) -> dict[str, dict[str, Canary]]:
    """A canary for every secret argument of every vendor."""
    return {
        vendor: {
            each.name: canary(f"{vendor} {which} {each.name}")
            for each in vendor_named(vendor).schema.arguments()
            if each.secret
        }
        for vendor in ZOE
    }


def credentials(sandbox: Sandbox, folder: Path) -> list[Canary]:
    """What the vendors are spoken to with, and the secret that one of them answers with."""
    found = [
        known(f"{vendor} credential {number}", each)
        for vendor in ZOE
        for number, each in enumerate(vendor_named(vendor).settings_type.load().secrets())
    ]
    with closing(sqlite3.connect(folder / "vendors.db")) as database:
        tokens = database.execute("select vendor, kind, token from tokens").fetchall()
    found += [known(f"{vendor} {kind} token", token) for vendor, kind, token in tokens]
    headers = {"api-key": sandbox.environment["ENERFLO_API_KEY"]}
    users = httpx.get(f"{sandbox.environment['ENERFLO_BASE_URL']}/api/v3/users", headers=headers).json()["results"]
    return [*found, known("enerflo intercom_user_jwt", users[0]["intercom_user_jwt"])]


def values(canaries: Mapping[str, Canary]) -> dict[str, str]:
    return {name: each.value for name, each in canaries.items()}


def flat(inputs: Mapping[str, Mapping[str, Canary]]) -> list[Canary]:
    return [each for canaries in inputs.values() for each in canaries.values()]


def arguments_of(vendor: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The vendor's example with other values for some of it."""
    return {**json.loads(json.dumps(dict(vendor_named(vendor).example))), **given}


def declaration(vendor: str, given: Mapping[str, Any], options: str = "None") -> str:
    return f"{vendor}.User('ana', opts={options}, **{arguments_of(vendor, given)!r})"


def sent(sandbox: Sandbox) -> list[Any]:
    """Every value in the bodies of the writes."""
    return [value for each in sandbox.writes() for value in (each["body"] or {}).values()]


# --- the same in this process -----------------------------------------------------------------


class Witness:
    """Calls doors as the engine's host does, and keeps what they answer and what they raise."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.failures: list[bytes] = []

    def check(self, door: DynamicProvider, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        inputs = door.check(dict(olds), {OWNER: "", **news}).inputs
        self.answers.append(repr(inputs).encode())
        return dict(inputs)

    def refuses(self, door: DynamicProvider, news: Mapping[str, Any]) -> None:
        """The engine drops the inputs and prints the reasons."""
        result = door.check({}, {OWNER: "", **news})
        assert result.failures
        self.failures += [f"{each.property} {each.reason}".encode() for each in result.failures]

    def call(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        result = operation(*arguments)
        self.answers.append(repr(vars(result)).encode())
        return result

    def fails(self, operation: Callable[..., Any], *arguments: Any) -> str:
        with pytest.raises(Failure) as caught:
            operation(*arguments)
        shown = [repr(caught.value), str(caught.value), *traceback.format_exception(caught.value)]
        self.failures.append("\n".join(shown).encode())
        return str(caught.value)


def live(witness: Witness, door: DynamicProvider, first: Mapping[str, Any], change: Mapping[str, Any]) -> None:
    """An account is made, refused a second time, read, changed, and refused an e-mail that is taken."""
    news = witness.check(door, {}, first)
    made = witness.call(door.create, news)
    witness.fails(door.create, news)
    read = witness.call(door.read, made.id, made.outs)
    changed = witness.check(door, read.inputs, {**first, **change})
    updated = witness.call(door.update, made.id, read.outs, changed)
    witness.call(door.read, made.id, updated.outs)
    others = dict.fromkeys(("email", door.vendor.identity_field), "ana@example.com")
    taken = witness.check(door, read.inputs, {**first, **change, **others})
    witness.fails(door.update, made.id, read.outs, taken)


def echo(witness: Witness, door: DynamicProvider, password: Canary, sandbox: Sandbox) -> None:
    """The vendor quotes the password, and then the credential, in its refusal."""
    for words in (password.value, sandbox.environment["ENERFLO_API_KEY"]):
        given = {"email": "eva@example.com", "roles": [words], "password": password.value}
        refusal = witness.fails(door.create, door.check({}, {OWNER: "", **given}).inputs)
        assert "The roles [secret] is invalid" in refusal


@contextmanager
def opened(vendor: str) -> Iterator[DynamicProvider]:
    door = load(f"{vendor}:User")
    yield door
    if door._tenant is not None:
        loop.call(door._tenant.aclose)


# --- the tests --------------------------------------------------------------------------------


def test_a_secret_reaches_the_vendor_and_is_found_nowhere_else(
    project: Project,
    sandbox: Sandbox,
    settings: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = secret_inputs("first"), secret_inputs("second")
    new, echoed = canary("nexudus password of an update"), canary("enerflo password in a refusal")
    unfit, wrong = canary("tenovos password that is unfit"), canary("credential that is wrong")

    watched = Watched(project)
    accounts = {vendor: declaration(vendor, values(first[vendor])) for vendor in ZOE}
    project.program(*accounts.values())
    watched.run("preview", "--diff")
    assert watched.up().changes["created"] == 1 + len(ZOE)
    for each in flat(first):
        assert each.value in sent(sandbox), f"{each.name} reached the vendor"
    accounts["nexudus"] = declaration("nexudus", values(first["nexudus"]) | {"password": new.value})
    project.program(*accounts.values())
    sandbox.mark()
    assert watched.up("--diff").changes == {"updated": 1, "unchanged": len(ZOE)}
    assert new.value in sent(sandbox)
    assert {each["vendor"] for each in sandbox.requests()} == {"nexudus"}, "the same passwords ask for nothing"
    watched.run("refresh", "--yes", "--skip-preview")

    given = {"email": "eva@example.com", "roles": [echoed.value], "password": echoed.value}
    eva = [f"given = {given!r}", "given['roles'] = pulumi.Output.secret(given['roles'])"]
    project.program(*accounts.values(), *eva, "enerflo.User('eva', **given)")
    refusal = watched.up("--diff", "--debug", "--verbose=3", "--logtostderr", fails=True)
    assert "The roles [secret] is invalid" in refusal.output
    watched.run("preview", "--json")
    watched.export()
    watched.run("destroy", "--yes", "--skip-preview")

    witness = Witness()
    with caplog.at_level(logging.DEBUG):
        for vendor in ZOE:
            with opened(vendor) as door:
                change = door.vendor.example_change if vendor in FIXED else values(second[vendor])
                live(witness, door, arguments_of(vendor, ZOE[vendor] | values(first[vendor])), change)
        with opened("enerflo") as door:
            echo(witness, door, echoed, sandbox)
        with opened("tenovos") as door:
            for password in (unfit.value * 10, [unfit.value], {"in": unfit.value}):
                witness.refuses(door, arguments_of("tenovos", {"password": password}))
        for variable, value in product(CREDENTIALS, (wrong.core, wrong.value)):
            with monkeypatch.context() as environment, opened(variable.partition("_")[0].lower()) as door:
                environment.setenv(variable, value)
                witness.fails(door.create, dict(door.vendor.example))

    changed = flat({vendor: second[vendor] for vendor in ZOE if vendor not in FIXED})
    canaries = [*flat(first), *changed, new, echoed, unfit, wrong, *credentials(sandbox, tmp_path)]
    sinks = watched.sinks() | {
        "the log of this process": [caplog.text.encode()],
        "failures": witness.failures,
        "what the engine is given": witness.answers,
        "the journal": [path.read_bytes() for path in tmp_path.glob("journal*")],
    }
    assert [name for name, blobs in sinks.items() if not any(blobs)] == [], "every place was written to"
    searched = f"{len(canaries)} secrets in {len(sinks)} places in {len(ENCODINGS) + 1} encodings"
    assert searched in (ROOT / "SECURITY.md").read_text()
    assert f"{len(canaries)} secrets " in (ROOT / "docs" / "decisions" / "09-engine-logs.md").read_text()
    assert hits(sinks, canaries) == []

    found = naive_hits(tmp_path / "naive", sandbox)
    assert len(found) >= 3, "the same search finds what the naive provider leaves behind"
    for what in ("the password", "the key"):
        assert f"{what} as plain text in the state folder" in found


def naive_hits(folder: Path, sandbox: Sandbox) -> list[str]:
    """Where the secrets of one account made by the naive provider are found."""
    password, key = canary("the password"), known("the key", sandbox.environment["ENERFLO_API_KEY"])
    arguments = {
        "base": sandbox.environment["ENERFLO_BASE_URL"], "key": key.value, "password": password.value,
        "email": "bob@example.com", "roles": ["Setter"], "notify_email": False, "allow_optimus": False,
    }  # fmt: skip
    folder.mkdir()
    watched = Watched(Project(folder, sandbox))
    watched.project.program(NAIVE.read_text(), f"User('bob', **{arguments!r})")
    watched.project.run("stack", "init", "test")
    assert watched.up("--diff").changes["created"] == 2
    assert password.value in sent(sandbox)
    watched.export()
    return hits(watched.sinks(), [password, key])


def test_a_changed_first_password_is_refused_unless_ignored(project: Project, sandbox: Sandbox) -> None:
    old, new = ({vendor: canary(f"{vendor} {age} password") for vendor in ZOE} for age in ("old", "new"))
    watched = Watched(project)

    def declare(changed: Collection[str], options: str = "None") -> None:
        """The old passwords but for some vendors, which alone have the options."""
        project.program(
            *(declaration(vendor, {"password": new[vendor].value}, options) for vendor in changed),
            *(declaration(vendor, {"password": old[vendor].value}) for vendor in ZOE if vendor not in changed),
        )

    declare([])
    watched.up()
    sandbox.mark()
    declare(FIXED, "pulumi.ResourceOptions(ignore_changes=['password'])")
    assert watched.up("--diff").changes == {"unchanged": 1 + len(ZOE)}

    for vendor in FIXED:
        declare([vendor])
        refusal = watched.run("preview", "--diff", fails=True).output
        title = vendor_named(vendor).title
        assert (
            f"{vendor}:User resource 'ana' has a problem: password can only be given when the account is made"
            in refusal
        )
        assert f"{title} cannot change it later. Change it in the admin page of {title}" in refusal
        assert 'ignore_changes=["password"]' in refusal

    assert sandbox.requests() == []
    assert hits(watched.sinks(), [*old.values(), *new.values()]) == []


def test_a_secret_that_no_vendor_takes_over_stays_secret(project: Project, sandbox: Sandbox) -> None:
    """A state keeps such a declared value beside the outputs, as no update would change the vendor's."""
    desk = canary("the desk")
    sandbox.add("enerflo", email="ana@example.com", first_name="Ana", roles=["Setter"], external_user_id="7")
    given = f"email='ana@example.com', roles=['Setter'], external_user_id=pulumi.Output.secret({desk.value!r})"
    project.program(f"enerflo.User('ana', {given}, on_existing='adopt')")
    watched = Watched(project)
    watched.up()
    assert watched.run("refresh", "--yes", "--skip-preview").changes == {"unchanged": 2}
    watched.run("preview", "--expect-no-changes")

    kept = json.loads(project.run("stack", "export", "--show-secrets").output)
    [user] = [each for each in kept["deployment"]["resources"] if each["type"].endswith("enerflo:User")]
    assert desk.core in json.dumps(user["outputs"][AS_DECLARED])
    assert hits(watched.sinks(), [desk]) == []
