"""Results for the terminal, for `results.md` and as a plot."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from . import tofu
from .beside import sections
from .contestants import OPERATIONS, Measure
from .figures import Book, Figure
from .processes import ROOT
from .tables import VERDICTS, figure_rows, rows

STYLES = {True: "green", False: "red", None: "dim"}
LOOKS = ("-o", "--s", "-.^", ":D", "-v", "--P", "-.X", ":*")
"""Line and marker of each contestant, which can be told apart without colours."""


def machine() -> dict[str, str]:
    """Return a description of the machine and the versions."""
    pulumi = subprocess.run(["pulumi", "version"], capture_output=True, text=True, check=True)  # noqa: S607 - on PATH
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("seatwise", "httpx", "aiohttp"))
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}",
        "cores": f"{os.cpu_count()}, with a load of {os.getloadavg()[0]:.1f} before the run",
        "python": platform.python_version(),
        "pulumi": f"{pulumi.stdout.strip()}, SDK {importlib.metadata.version('pulumi')}, file backend",
        "opentofu": tofu.version(),
        "packages": versions,
        "commit": commit.stdout.strip() or "unknown",
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def table(title: str, figures: Iterable[Figure]) -> Table:
    """Return figures as a table for the terminal."""
    drawn = Table("figure", "measured", "target", "", title=title, title_justify="left")
    for each in figures:
        verdict = VERDICTS[each.reached].strip("*")
        style = STYLES[each.reached]
        drawn.add_row(escape(each.name), escape(each.value), each.target, f"[{style}]{verdict}[/{style}]")
    return drawn


def markdown(
    book: Book, figures: Iterable[Figure], goals: Iterable[Figure], about: Mapping[str, str], command: str
) -> str:
    """Return the content of `results.md`."""
    grid = book.of("")
    parts = [
        "# Benchmarks",
        f"Written by `{command}`. `make bench` takes forty minutes, `make bench-full` (the whole grid, and "
        "OpenTofu) two hours.\nRatios are against floors of the same run; seconds are of this machine. "
        "[figures.py](figures.py) says how each is made.",
        rows(("", ""), about.items()),
        *sections(book, goals, about["opentofu"]),
    ]
    if grid.measures:
        parts += [
            "## Figures",
            figure_rows(figures),
            "## Seconds",
            "The whole command, or the requests alone for aiohttp. Where there are three, they are the least, the "
            "median and the most of the repeats.",
            rows(("contestant", "accounts", "latency", *OPERATIONS), _seconds(grid)),
            "![Seconds against accounts](results.png)",
        ]
    return "\n\n".join(parts) + "\n"


def _seconds(book: Book) -> Iterator[tuple[str, ...]]:
    kinds = dict.fromkeys(
        (each.contestant, each.accounts, each.latency) for each in book.measures if each.operation in OPERATIONS
    )
    for contestant, accounts, latency in sorted(kinds, key=lambda kind: (kind[1], kind[2])):
        cells = [_cell(book, contestant, operation, accounts, latency) for operation in OPERATIONS]
        yield contestant, f"{accounts:,}", f"{latency * 1000:.0f} ms", *cells


def _cell(book: Book, contestant: str, operation: str, accounts: int, latency: float) -> str:
    wanted = (contestant, operation, accounts, latency)
    failed = any(
        each.failure
        for each in book.measures
        if (each.contestant, each.operation, each.accounts, each.latency) == wanted
    )
    seconds = [each.seconds for each in book.all(*wanted)]
    middle = book.middle(*wanted)
    if middle is None:
        return "fails" if failed else ""
    digits = 2 if middle < 10 else 1
    shown = [min(seconds), middle, max(seconds)] if len(seconds) > 1 else [middle]
    return " / ".join(f"{value:.{digits}f}" for value in shown) + (", and fails" if failed else "")


def line(measure: Measure) -> str:
    """Return the line that is printed after a measure."""
    what = f"{measure.contestant}: {measure.operation}, {measure.accounts:,} accounts, {measure.latency * 1000:.0f} ms"
    what += f", {measure.study}" if measure.study else ""
    if measure.failure:
        return f"{what}: fails after {measure.seconds:.1f} s: {measure.failure}"
    return f"{what}: {measure.seconds:.2f} s, {measure.seen.requests:,} requests"


def plot(book: Book, latency: float, file: Path) -> None:
    """Draw seconds against accounts, with one panel for each operation."""
    import matplotlib as mpl  # of the group `bench` alone, and slow to import

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    chart, panels = plt.subplots(2, 3, figsize=(11, 7), sharex=True, sharey=True, layout="constrained")
    names = list(dict.fromkeys(each.contestant for each in book.measures if each.operation in OPERATIONS))
    looks = {name: (LOOKS[number % len(LOOKS)], f"C{number % 10}") for number, name in enumerate(names)}
    for panel, operation in zip(panels.flat, OPERATIONS, strict=False):
        panel.set_title(operation)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.xaxis.set_major_formatter("{x:,.0f}")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.grid(visible=True, which="both", alpha=0.25)
        for name in names:
            found = [(size, book.middle(name, operation, size, latency)) for size in book.sizes(name, operation)]
            points = [(size, seconds) for size, seconds in found if seconds]
            if points:
                look, color = looks[name]
                panel.plot(*zip(*points, strict=True), look, color=color, label=name, linewidth=1.2, markersize=5)
    chart.supylabel("seconds")
    chart.supxlabel("accounts")
    legend = panels.flat[len(OPERATIONS)]
    legend.axis("off")
    drawn: dict[str, Any] = {}
    for panel in panels.flat:
        handles, labels = panel.get_legend_handles_labels()
        drawn |= dict(zip(labels, handles, strict=True))
    legend.legend(drawn.values(), drawn.keys(), loc="center", fontsize=9, frameon=False)
    chart.suptitle(f"Seconds of the whole command, {latency * 1000:.0f} ms before every answer of the vendor")
    chart.savefig(file, dpi=150)
    plt.close(chart)
