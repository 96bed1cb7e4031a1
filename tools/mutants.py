"""Check that the tests find mistakes: break seatwise on purpose, one mistake at a time. Run it with `make mutants`.

Each mutant replaces one piece of text in one file. A mutant whose text is not in the file any more is an error
(tests/test_tools.py finds it first); a mutant that no test finds is a failure. Before the first mutant the tests must
pass without a mistake: where they fail anyway, a failure says nothing about a mistake.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "provider" / "seatwise"
# The fastest tests first, because the first failure ends a mutant. The engine's tests would only be slower.
TESTS = (
    "tests/core/account", "tests/dynamic/test_base.py", "tests/core/vendor", "tests/core/queries", "tests/core/team",
    "tests/wire", "tests/vendors", "tests/core/test_properties.py", "tests/core/test_faults.py",
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One mistake: `old`, which appears in `file` exactly once, becomes `new`."""

    name: str
    file: str
    old: str
    new: str

    @property
    def text(self) -> str:
        """The file with the mistake; raises ValueError if `old` does not appear exactly once."""
        source = (SOURCE / self.file).read_text()
        if source.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.file} has the text {source.count(self.old)} times: {self.old!r}")
        return source.replace(self.old, self.new)


MUTANTS = tuple(Mutant(*row) for row in (
    ("a create is sent again after a 5xx", "wire/retry.py",
     "return outcome is not Outcome.UNCLEAR or effect is not Effect.CREATE", "return True"),
    ("the look-up before a create is skipped", "core/account/creating.py",
     "existing = await look_up(tenant, email)", "existing = None"),
    ("a create is not recorded before it is sent", "core/account/creating.py",
     "in_the_way = await tenant.journal.intend(email, owner, CREATE_IN_FLIGHT_S)", "in_the_way = None"),
    ("an account that another machine deactivated stays inactive", "core/account/resuming.py",
     " or tenant.vendor.is_deactivated(own.record)", ""),
    ("an update that was carried out is not counted", "core/account/writing.py",
     "tenant.journal.record_write(account, state.revision) if is_certain",
     "(tenant.journal.mark_confirmed(account) or state.revision) if is_certain"),
    ("an account that is there is adopted silently", "core/account/resuming.py",
     'if declared.on_existing != "adopt":', "if False:"),
    ("500 is taken for gone", "core/vendor/vendor.py",
     "return answer.status in (404, 410)", "return answer.status in (404, 410, 500)"),
    ("any 403 of Tenovos is taken for gone", "vendors/tenovos.py",
     'return answer.status == 403 and answer.object.get("message") == "User not found"', "return answer.status == 403"),
    ("gone is trusted without a look at the list", "core/account/finding.py",
     "is_listed = await contains(tenant, account)", "is_listed = False"),
    ("half a list proves that an account is gone", "core/account/account_list.py",
     "return is_listed if is_listed or listed.is_coherent else None", "return is_listed"),
    ("a list that cannot be read is an empty one", "core/account/account_list.py",
     "    raise error\n", "    return Listing([])\n"),
    ("an account that is not in the list is gone", "core/account/lifecycle.py",
     "    if listed is None:\n        return None\n    if vendor.version",
     "    if listed is None and tenant.list_cache.list:\n        raise NoSuchAccount('', status=404)\n"
     "    if listed is None:\n        return None\n    if vendor.version"),
    ("the list answers for accounts that were written since", "core/account/account_list.py",
     "or cache.list is None or account in cache.written:", "or cache.list is None:"),
    ("the accounts that got an e-mail since the list was loaded are not known", "core/account/account_list.py",
     "return cache.list.ids[email_key(email)] | cache.emails[email_key(email)]",
     "return cache.list.ids[email_key(email)]"),
    ("a list that lacks what a record has is trusted", "core/account/list_cache.py",
     "listed.is_whole = by_id.keys() <= in_list.keys()", "listed.is_whole = True"),
    ("the first answer to a create is trusted without a look", "core/account/answers.py",
     "is_same = record is not None and _agree(schema, answered, record)", "is_same = True"),
    ("an answer that lacks what was sent is trusted", "core/account/answers.py",
     "return is_as_sent and not lacking(schema, record, sent) - unshown", "return is_as_sent"),
    ("the full PUT of Nexudus forgets the record", "vendors/nexudus.py",
     "body = BOOKKEEPING | dict(record or {}) | dict.fromkeys(ACTIONS)", "body = BOOKKEEPING | dict.fromkeys(ACTIONS)"),
    ("Retry-After is ignored", "wire/retry.py",
     "if retry_after is not None:", "if False:"),
    ("a throttled request does not delay the others", "wire/tenant.py",
     "self._pacing.hold(pause)", "pass"),
    ("a token is renewed without a lock", "wire/login.py",
     "            async with self._locked(deadline):\n                if self._token is None",
     "            if True:\n                if self._token is None"),
    ("a refused token is renewed at every request", "wire/login.py",
     "self._useless = token", "pass"),
    ("a rotated refresh token is lost", "wire/login.py",
     "replace(token, refresh=token.refresh or refresh)", "replace(token, refresh=refresh)"),
    ("redirects are followed", "wire/tenant.py",
     "follow_redirects=False", "follow_redirects=True"),
    ("a message quotes secrets", "core/vendor/secrets.py",
     "text = text[:start] + BLANK + text[end:]", "pass"),
    ("a message quotes the whole body", "core/vendor/vendor.py",
     "words = quote(known.blanked(self.parse_message(answer), is_quoted=True))",
     "words = answer.body.decode(errors='replace')"),
    ("the provider in the state carries its settings", "dynamic/__init__.py",
     "return load, (provider.key,)", "return load, (provider.key,), {'_loaded': provider._settings()}"),
    ("e-mails are compared with their case", "core/vendor/fields.py",
     "return lowered(email.strip())", "return email.strip()"),
    ("a refused deactivation is a success", "core/account/lifecycle.py",
     "except Refused as error:\n        if not await", "except Refused as error:\n        if False and not await"),
    ("a write that may be done is not unconfirmed", "core/account/writing.py",
     "if before is None and not error.maybe_sent:", "if before is None:"),
    ("the outcome of an earlier try is forgotten", "wire/tenant.py",
     "maybe_sent = maybe_sent or result.outcome is Outcome.UNCLEAR", "maybe_sent = False"),
    ("an answer that says nothing is trusted", "core/account/writing.py",
     "if is_confirmed and not _activity_in(vendor, changes) and not _denies(vendor, record_after, certain):",
     "if record_after is None or not _denies(vendor, record_after, certain):"),
    ("an answer whose record denies the change is trusted", "core/account/writing.py",
     "and not _activity_in(vendor, changes) and not _denies(vendor, record_after, certain):", ":"),
    ("a password is sent again for any unconfirmed write", "core/account/updating.py",
     "if why in (Unconfirmed.UNSEEN, Unconfirmed.CHANGED):", "if why is Unconfirmed.UNSEEN:"),
    ("a delete is not noted before it leaves", "core/account/lifecycle.py",
     "    with marked_unconfirmed(tenant, account, before, before or Unconfirmed.CHANGED):\n", "    if True:\n"),
    ("a create that commits late is forgotten", "core/account/creating.py",
     "    if found is None:\n        raise _not_found(",
     "    if found is None:\n        tenant.journal.forget(email)\n        raise _not_found("),
    ("an account that others took back is seatwise's own", "core/account/resuming.py",
     "if not is_owners and not tenant.vendor.is_deactivated(record):", "if False:"),
    ("what the engine forgot is given to any resource", "core/account/resuming.py",
     'is_same = owner != "" and same(owner, last.owner)', "is_same = True"),
    ("an account that another resource declares is deactivated", "core/account/lifecycle.py",
     "    return await _is_others(tenant, account, email, owner)\n", "    return False\n"),
    ("a resource that is replaced loses its account", "core/account/lifecycle.py",
     "        if await _stays_managed(tenant, account, email, owner):\n            return False\n", ""),
    ("what the engine knows is given to a namesake", "core/account/resuming.py",
     "if is_same and (not last.is_known or await has_account(tenant, account, owner)):", "if is_same:"),
    ("a refused create deletes an earlier one's entry", "wire/journal.py",
     "            if before is not None:\n                database.execute(_NOTE, before)\n", ""),
    ("a create is sent while an earlier one may arrive", "wire/journal.py",
     "if last is not None and last.kind is EntryKind.PENDING and last.age < each.window:", "if False:"),
    ("the owner of an account is found by e-mail alone", "core/account/lifecycle.py",
     "return record is not None and has_identity(tenant, record, email)", "return True"),
    ("a removal does not wait for a create that resumes the account", "core/account/lifecycle.py",
     "async with tenant.lock(account):", 'async with tenant.lock(f"delete {account}"):'),
    ("an account moves between teams of any stacks", "core/account/ownership.py",
     'is_here = stack_of(old) == stack_of(new) != ("", "")', "is_here = True"),
    ("a team may lose all members", "core/team/plan.py",
     "    if len(out) > most:", "    if len(out) > most and False:"),
    ("a failed member counts as done", "core/team/work.py",
     'except AccountError as error:\n                self._note(key, error, LEAVING_FAILED if are_leaving else "")',
     "except AccountError as error:\n                pass"),
    ("a dead vendor gets every retry", "wire/retry.py",
     "if cost > self.left:", "if False:"),
    ("each request has a deadline of its own", "wire/tenant.py",
     "return await self._tenant.send(request, self._deadline)", "return await self._tenant.send(request)"),
    ("the cap on removals is not kept", "core/account/removals.py",
     "if not self.are_used_up:", "if True:"),
    ("a role that stays is not named", "core/account/writing.py",
     "    tell_altered(tenant, account, after, changes)\n", ""),
    ("a role that is not given is not supported", "core/account/writing.py",
     "changes.keys() - tenant.list_cache.kept", "changes.keys()"),
    ("a look that lags is trusted", "core/account/writing.py",
     "may_hide if record is None else not _denies(tenant.vendor, record, awaited)", "may_hide or record is not None"),
    ("a follow-up that fails loses the account", "core/account/creating.py",
     "    except AccountError as error:\n        tell_altered(",
     "    except ZeroDivisionError as error:\n        tell_altered("),
    ("an answer of any size is read", "wire/body.py",
     "if max(on_the_wire, len(body.content)) > MAX_BODY_BYTES:", "if False:"),
    ("a page of HTML is an answer", "core/vendor/http.py",
     "return None if is_html and not isinstance(value, dict | list) else value", "return value"),
))  # fmt: skip


def main() -> int:
    """Test all mutants, or those whose names contain one of the arguments; exit with 1 if no test finds one of them."""
    if failed := first_failure(None):
        print(f"the tests fail without a mistake ({failed}), so that no mutant was made: fix it first", file=sys.stderr)
        return 1
    wanted = [each for each in MUTANTS if not sys.argv[1:] or any(part in each.name for part in sys.argv[1:])]
    print("| mutant | in | killed by |\n|---|---|---|")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        killers = pool.map(first_failure, wanted)
        alive = sum(_report(mutant, found) for mutant, found in zip(wanted, killers, strict=True))
    print(f"\n{len(wanted) - alive} of {len(wanted)} killed")
    return 1 if alive else 0


def _report(mutant: Mutant, found: str) -> bool:
    print(f"| {mutant.name} | `{mutant.file}` | {f'`{found}`' if found else '**nothing**'} |", flush=True)
    return not found


def first_failure(mutant: Mutant | None) -> str:
    """Return the first test that fails with this mistake, or without any; empty if all pass."""
    with _copy(mutant) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *TESTS],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder / "provider"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
    failed = re.search(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*)?(?: - .*)?$", done.stdout, re.M)
    if done.returncode == 0:
        return ""
    return failed[1].removeprefix("tests/") if failed else f"exit code {done.returncode}"


@contextmanager
def _copy(mutant: Mutant | None) -> Iterator[Path]:
    """Yield a copy of the repository with the mistake in it, if any."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        if mutant is not None:
            (copy / "provider" / "seatwise" / mutant.file).write_text(mutant.text)
        yield copy


if __name__ == "__main__":
    sys.exit(main())
