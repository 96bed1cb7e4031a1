#!/usr/bin/env python3
"""Run a command in seatwise's own environment, after installing that environment.

    python3 tools/run.py pytest              # with uv, the locked packages and a `pulumi` command
    python3 tools/run.py --no-pulumi ruff .  # without the `pulumi` command
    python3 tools/run.py --bench pytest      # with the packages of the benchmarks, too
    python3 tools/run.py --bench --opentofu pytest # with the `tofu` command and its REST provider, too
    python3 tools/run.py --keycloak pytest   # with a Keycloak, too
    python3 tools/run.py --docs sphinx-build # with the packages of the site, too
    python3 tools/run.py --workflows zizmor  # with the packages that check the hosted CI's files, too
    python3 tools/run.py --few python x.py   # with no more packages than a program of a user's has
    python3 tools/run.py --lowest pytest     # with the lowest versions that pyproject.toml allows

Three steps, and with `--opentofu` or `--keycloak` a fourth, each skipped if it was done before:

1. `uv`: the one on PATH, else the pinned one from PyPI, kept in the cache folder;
2. the locked packages: `uv sync --locked` into `.venv`; the lowest ones go into `.venv-lowest`;
3. `pulumi`: the one on PATH if it is new enough, else the official installer, else a Go build
   from `tools/pulumi/go.mod` and `tools/python-host/go.mod`, kept in the cache folder;
4. `tofu`, for the benchmarks: a Go build from `tools/opentofu/go.mod` and `tools/restapi/go.mod`, kept
   in the cache folder. Without Go the benchmarks leave it out and say so. `--bench` alone uses the
   kept one and builds nothing;
5. Keycloak, for its tests: unpacked by Maven as `tools/keycloak/pom.xml` says, kept in the cache folder.
   Without Java 17 and Maven these tests are skipped and say so.

The cache folder is `$SEATWISE_CACHE`, else `$XDG_CACHE_HOME/seatwise`, else `~/.cache/seatwise`. Each
tool is renamed into it after it has run once, so that an incomplete installation is never used. Needs
only Python 3.8 or newer.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(
    os.environ.get("SEATWISE_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seatwise"
)
UV_VERSION = "0.13.9"
PULUMI_VERSION = "3.259.0"  # the release that tools/pulumi/go.mod names
OLDEST_PULUMI = (3, 254, 0)  # the first version whose import files may contain inputs and outputs
OPENTOFU_VERSION, RESTAPI_VERSION = "1.12.6", "1.20.0"  # those of tools/opentofu/go.mod and tools/restapi/go.mod
KEYCLOAK_VERSION = "26.7.4"  # that of tools/keycloak/pom.xml
KEYCLOAK, NO_KEYCLOAK = "SEATWISE_KEYCLOAK", "SEATWISE_NO_KEYCLOAK"  # its folder, or why it is missing
NO_OPENTOFU = "BENCH_NO_OPENTOFU"  # the variable with the reason why there is no `tofu`
INSTALLER_TIMEOUT_S = 300
LOWEST_PYTHON = "3.11"  # as requires-python in pyproject.toml
BUILD_TAGS = "osusergo,grpcnotrace"

# Options for uv. With `--few`, packages that are already installed stay.
GROUPS = {
    "--bench": ("--group", "bench"),
    "--docs": ("--group", "docs"),
    "--workflows": ("--group", "workflows"),
    "--few": ("--no-default-groups", "--group", "stack", "--inexact"),
}
# Values are (folder of the module, package to build, its name in messages).
GO_BUILDS = {
    "pulumi": (
        ROOT / "tools" / "pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        "the pulumi command (about 9 minutes on two cores)",
    ),
    "pulumi-language-python": (
        ROOT / "tools" / "python-host",
        "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        "Pulumi's Python host (about 2 minutes on two cores)",
    ),
}
OPENTOFU_BUILDS = {
    "tofu": (
        ROOT / "tools" / "opentofu",
        "github.com/opentofu/opentofu/cmd/tofu",
        "the tofu command (about ten minutes on two cores)",
    ),
    "terraform-provider-restapi": (
        ROOT / "tools" / "restapi",
        "github.com/Mastercard/terraform-provider-restapi",
        "its REST provider (about a minute on two cores)",
    ),
}


class SetupError(Exception):
    """A step failed; the message says what to do."""


def main(argv):
    with_pulumi, lowest = "--no-pulumi" not in argv, "--lowest" in argv
    environment_folder = ROOT / (".venv-lowest" if lowest else ".venv")
    groups = [word for flag, words in GROUPS.items() if flag in argv for word in words]
    command = [word for word in argv if word not in ("--no-pulumi", "--lowest", "--opentofu", "--keycloak", *GROUPS)]
    environment = dict(os.environ)
    try:
        uv = find_uv()
        if lowest:
            install_lowest(uv, environment_folder)
        else:
            sync(uv, groups)
        path = [str(environment_folder / "bin"), str(uv.parent)]
        if with_pulumi:
            path.append(str(find_pulumi(environment_folder / "bin" / "python").parent))
        if "--bench" in argv:
            path += opentofu_path(environment, may_build="--opentofu" in argv)
        if "--keycloak" in argv:
            find_keycloak(environment)
    except SetupError as error:
        print("seatwise setup: {}".format(error), file=sys.stderr)
        return 1
    if not command:
        return 0
    environment["PATH"] = os.pathsep.join([*path, os.environ.get("PATH", "")])
    environment["VIRTUAL_ENV"] = str(environment_folder)
    # Each `pulumi` command starts three Pythons. They compile nothing twice, whatever the machine's own setting is.
    environment["PYTHONPYCACHEPREFIX"] = str(environment_folder / "pycache")
    for name in ("PYTHONHOME", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    executable = shutil.which(command[0], path=environment["PATH"])
    if executable is None:
        print("seatwise setup: no command {!r}".format(command[0]), file=sys.stderr)
        return 127
    os.chdir(str(ROOT))
    # A shell lets what it runs in the background ignore SIGINT. With that, each `pulumi` command waits five seconds
    # for its plugins to end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(executable, command, environment)


# --- uv ---------------------------------------------------------------------------------------


def find_uv():
    found = shutil.which("uv")
    if found:
        return Path(found)
    home = CACHE / ("uv-" + UV_VERSION)
    uv = home / "bin" / "uv"
    if not uv.exists():
        say("getting uv {} from PyPI (some seconds) ...".format(UV_VERSION))
        with finished_folder(home) as folder:
            attempt(
                [sys.executable, "-m", "venv", str(folder)],
                "install uv (https://docs.astral.sh/uv/) or your system's python3-venv package",
            )
            attempt(
                [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv==" + UV_VERSION],
                "check that PyPI can be reached, or install uv yourself (https://docs.astral.sh/uv/)",
            )
            attempt([str(folder / "bin" / "uv"), "--version"], "install uv yourself (https://docs.astral.sh/uv/)")
    return uv


def sync(uv, groups):
    result = subprocess.run([str(uv), "sync", "--locked", "--quiet", *groups], cwd=str(ROOT))
    if result.returncode:
        raise SetupError("`uv sync --locked` failed: check that PyPI can be reached, then run it again")


def install_lowest(uv, folder):
    if not (folder / "bin" / "python").exists():
        attempt([str(uv), "venv", "--python", LOWEST_PYTHON, str(folder)], "check that Python 3.11 can be had")
    lowest = ["--resolution", "lowest-direct", "--group", "dev", "--editable", "."]
    install = [str(uv), "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *lowest]
    if subprocess.run(install, cwd=str(ROOT)).returncode:
        raise SetupError("the lowest versions cannot be installed: check that PyPI can be reached, then run it again")


# --- pulumi -----------------------------------------------------------------------------------


def find_pulumi(python):
    found = shutil.which("pulumi")
    if found and version_of(found) >= OLDEST_PULUMI:
        return Path(found)
    if found:
        say("the pulumi command on PATH is older than {}: getting one".format(dotted(OLDEST_PULUMI)))
    home = CACHE / ("pulumi-" + PULUMI_VERSION)
    pulumi = home / "bin" / "pulumi"
    if pulumi.exists():
        return pulumi
    with finished_folder(home) as folder:
        if not install(folder, python):
            build(folder)
        if not version_of(str(folder / "bin" / "pulumi")):
            raise SetupError("the new pulumi command does not run; delete {} and try again".format(CACHE))
    return pulumi


def install(folder, python):
    """Try the official installer, through Pulumi's own Automation API in the environment of `python`."""
    say("asking the official installer for pulumi {} ...".format(PULUMI_VERSION))
    code = (
        "import sys, semver; from pulumi.automation import PulumiCommand;"
        "PulumiCommand.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))"
    )
    try:
        subprocess.run(
            [str(python), "-c", code, str(folder), PULUMI_VERSION],
            check=True,
            timeout=INSTALLER_TIMEOUT_S,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (subprocess.SubprocessError, OSError):
        say("the official installer cannot be reached or did not finish in time")
        shutil.rmtree(str(folder / "bin"), ignore_errors=True)
        return False
    return (folder / "bin" / "pulumi").exists()


def build(folder):
    """Build the command and its Python host with Go."""
    if not shutil.which("go"):
        raise SetupError(
            "no pulumi command. Install it (https://www.pulumi.com/docs/install/), "
            "or install Go 1.25 or newer (https://go.dev/dl/) and run this again to build it"
        )
    say("building pulumi {} with Go, once for this machine; the result goes to {}".format(PULUMI_VERSION, CACHE))
    binaries = folder / "bin"
    linker_flags = "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v" + PULUMI_VERSION
    remedy = ", or install pulumi (https://www.pulumi.com/docs/install/)"
    build_all(GO_BUILDS, binaries, ["-tags", BUILD_TAGS, "-ldflags", linker_flags], remedy)
    sdk = go_list(GO_BUILDS["pulumi"][0], "github.com/pulumi/pulumi/sdk/v3")
    for script in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
        target = binaries / Path(script).name
        shutil.copyfile(str(sdk / script), str(target))
        target.chmod(0o755)


def build_all(builds, binaries, flags, remedy=""):
    """Build commands with Go into a folder."""
    binaries.mkdir(parents=True)
    for name, (module, package, title) in builds.items():
        command = ["go", "build", "-trimpath", *flags, "-o", str(binaries / name), package]
        attempt_with_clock(command, module, title, remedy)


def go_list(module, package):
    found = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", package],
        cwd=str(module), check=True, stdout=subprocess.PIPE, universal_newlines=True,
    )  # fmt: skip
    return Path(found.stdout.strip())


def version_of(pulumi):
    """Return the version of a pulumi command, such as (3, 259, 0); () if it does not run."""
    environment = dict(os.environ, PULUMI_SKIP_UPDATE_CHECK="true")
    try:
        answer = subprocess.run(
            [pulumi, "version"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60
        )
    except (subprocess.SubprocessError, OSError):
        return ()
    numbers = re.match(rb"v?(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(int(number) for number in numbers.groups()) if numbers else ()


# --- opentofu ---------------------------------------------------------------------------------


def opentofu_path(environment, may_build):
    """Return the folder of `tofu` and its provider in a list. Without one, set the variable with the reason."""
    home = CACHE / "opentofu-{}-restapi-{}".format(OPENTOFU_VERSION, RESTAPI_VERSION)
    try:
        if not home.exists():
            build_opentofu(home, may_build)
    except SetupError as error:
        reason = str(error).splitlines()[-1]
        environment[NO_OPENTOFU] = reason
        if may_build:
            say("the benchmarks leave OpenTofu out: " + str(error))
        return []
    environment.pop(NO_OPENTOFU, None)
    return [str(home / "bin")]


def build_opentofu(home, may_build):
    if not may_build:
        raise SetupError("it has not been built on this machine, and only `make bench-full` builds it")
    if not shutil.which("go"):
        raise SetupError("there is no Go to build it with (https://go.dev/dl/)")
    say("building OpenTofu {} with Go, once for this machine; the result goes to {}".format(OPENTOFU_VERSION, CACHE))
    with finished_folder(home) as folder:
        flags = ["-ldflags", "-s -w -X github.com/opentofu/opentofu/version.dev=no"]
        build_all(OPENTOFU_BUILDS, folder / "bin", flags)
        attempt([str(folder / "bin" / "tofu"), "version"], "delete {} and try again".format(CACHE))


# --- keycloak ---------------------------------------------------------------------------------


def find_keycloak(environment):
    """Set the variable with the folder of Keycloak, or the one that says what is missing."""
    home = CACHE / ("keycloak-" + KEYCLOAK_VERSION)
    missing = [name for name in ("java", "mvn") if not shutil.which(name)]
    if missing:
        environment[NO_KEYCLOAK] = "there is no {} on PATH: install Java 17 and Maven".format(" and no ".join(missing))
        return
    if not home.exists():
        say("getting Keycloak {} with Maven, once for this machine (170 MB) ...".format(KEYCLOAK_VERSION))
        with finished_folder(home) as folder:
            unpack = [
                "mvn", "--quiet", "--batch-mode", "--file", str(ROOT / "tools" / "keycloak" / "pom.xml"),
                "dependency:unpack-dependencies", "-DexcludeTransitive=true", "-DoutputDirectory=" + str(folder),
                # Beside what it unpacks: where Maven finds its note that it did so, it unpacks nothing.
                "-DmarkersDirectory=" + str(folder / "markers"),
            ]  # fmt: skip
            attempt(unpack, "check that Maven Central can be reached, then run it again")
    environment[KEYCLOAK] = str(home / ("keycloak-" + KEYCLOAK_VERSION))


# --- helpers ----------------------------------------------------------------------------------


@contextmanager
def finished_folder(home):
    """Yield a folder beside `home`; rename it to `home` if the block succeeds, else delete it.

    A virtual environment contains its own path, so only its binaries are used after the rename, not its scripts.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    for left in home.parent.glob(home.name + ".unfinished-*"):  # of a process that was killed
        if time.time() - left.stat().st_mtime > 24 * 3600:
            shutil.rmtree(str(left), ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=home.name + ".unfinished-", dir=str(home.parent)))
    try:
        yield folder
        try:
            folder.rename(home)
        except OSError:
            if not home.exists():  # else another process finished first, and its result is used
                raise
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)


def attempt(command, remedy):
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True)
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise SetupError("`{}` failed ({}); {}".format(" ".join(command[:4]), last, remedy))


def attempt_with_clock(command, folder, title, remedy):
    """Run a step that takes minutes, and report every ten seconds that it is still running."""
    say("building {} ...".format(title))
    started = time.monotonic()
    with tempfile.TemporaryFile(mode="w+") as errors:
        process = subprocess.Popen(command, cwd=str(folder), stdout=errors, stderr=errors)
        try:
            while True:
                try:
                    process.wait(timeout=10)
                    break
                except subprocess.TimeoutExpired:
                    say("  still building, {} s".format(int(time.monotonic() - started)))
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise SetupError("interrupted; the incomplete build was deleted") from None
        if process.returncode:
            errors.seek(0)
            tail = "\n".join(errors.read().splitlines()[-8:])
            raise SetupError(
                "{}\nthe Go build failed: check that Go is as new as {} says and that its module proxy can be "
                "reached{}".format(tail, (folder / "go.mod").relative_to(ROOT), remedy)
            )
    say("  done in {} s".format(int(time.monotonic() - started)))


def dotted(version):
    return ".".join(str(number) for number in version)


def say(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
