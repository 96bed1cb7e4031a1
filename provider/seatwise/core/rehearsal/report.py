"""The report of a rehearsal: the table, and what the answers look like. It contains no value. Pure."""

import json
import typing
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from .assumptions import Row
from .life import Life

COLUMNS = ("assumption", "source", "seen", "verdict")
ABOUT = "Statuses, names of headers, keys, types and counts, and words that a vendor's documentation has."


def document(life: Life) -> dict[str, Any]:
    """Return the report for programs."""
    return {
        "seatwise": version("seatwise"),
        "vendor": life.vendor.name,
        "settings": _choices(life.vendor.settings),
        "rows": [asdict(each) for each in life.rows()],
        "exchanges": [{"steps": steps} | asdict(each) for each, steps in life.exchanges.values()],
    }


def markdown(life: Life) -> str:
    """Return the report for people."""
    choices = "".join(f", {name} {value}" for name, value in _choices(life.vendor.settings).items())
    rows = [(each.assumption, each.source, each.seen, verdict_of(each)) for each in life.rows()]
    table = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, ["---"] * len(COLUMNS), *rows)]
    answers = [json.dumps({"steps": steps} | asdict(each)) for each, steps in life.exchanges.values()]
    head = ["# Rehearsal", "", f"seatwise {version('seatwise')}, {life.vendor.title}{choices}"]
    return "\n".join([*head, "", *table, "", "## Answers", "", ABOUT, "", "```json", *answers, "```", ""])


def verdict_of(row: Row) -> str:
    """Return a row's verdict, with its remedy."""
    return f"{row.verdict}; {row.remedy}" if row.remedy else row.verdict


def _choices(settings: Any) -> Mapping[str, str]:
    """Return the settings that are one of a few words, such as the version of an API."""
    given = ((name, getattr(settings, name), info.annotation) for name, info in type(settings).model_fields.items())
    return {name: value for name, value, kind in given if isinstance(value, str) and value in _words(kind)}


def _words(kind: Any) -> set[object]:
    """Return the words of a `Literal`, also where it is part of a union."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Literal:
        return {*arguments}
    return {word for each in arguments for word in _words(each)}
