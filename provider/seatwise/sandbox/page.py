"""The sandbox's page: accounts, log and faults. It works with plain forms; a script only refreshes it.

The page shows only the `FIELDS` of a record, and only method, path, status and duration of a request: no password,
token, header or body.
"""

import re
import time
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from .back_door import set_switches
from .by_hand import NoSuchAccount, admin_of
from .forms import InvalidForm, changes
from .replies import Fault, FaultKind, StandIn, field_errors, is_login, options_of, stand_ins_of, store_of
from .store import Taken

if TYPE_CHECKING:
    from jinja2 import Environment

_NUMBER = re.compile("[0-9]{1,6}")
_HERE = Path(__file__).parent
MAX_ACCOUNTS = 100
"""How many of a vendor's accounts the page shows: the newest ones."""
MAX_REQUESTS = 30
FAULTS: Mapping[FaultKind, str] = {
    "unavailable": "Answer 503 without doing it",
    "throttled": "Answer “too many requests” with Retry-After",
    "lost": "Do it, but lose the answer",
    "silent": "Never answer, without doing it",
    "slow": "Answer late",
}
TIMES = {"1": "once", "5": "five times", "0": "until switched off"}
DONE = {
    "added": "Added by hand. No stack has this account: seatwise does not change it until you import or adopt it.",
    "changed": "Changed by hand. Now pulumi refresh shows the drift, and pulumi up restores the declared values.",
    "deleted": "Deleted by hand. Now pulumi refresh removes the account from the stack's state.",
    "same": "Nothing was changed.",
    "fault-on": "The fault is on.",
    "fault-off": "The fault is off.",
    "expired": "The tokens are invalid now: the next request has to log in again.",
    "switched": "Limits and quirks are saved.",
}


# --- reading ----------------------------------------------------------------------------------


async def index(request: Request) -> Response:
    """GET /"""
    options, stand_ins = options_of(request), stand_ins_of(request)
    return _rendered(
        "index.html",
        vendors=[_vendor(request, stand_in) for stand_in in stand_ins.values()],
        log=[_entry(each) for each in store_of(request).latest(MAX_REQUESTS)],
        faults=[(vendor, fault, FAULTS[fault.kind], _extent(fault)) for vendor, fault in options.faults.items()],
        kinds=FAULTS,
        times=TIMES,
        with_tokens=[vendor for vendor, stand_in in stand_ins.items() if _has_tokens(stand_in)],
        options=options,
        quirks=[(vendor, *each) for vendor, stand_in in stand_ins.items() for each in stand_in.QUIRKS.items()],
        done=DONE.get(request.query_params.get("done", "")),
        at=request.query_params.get("at", ""),
    )


def _vendor(request: Request, stand_in: StandIn) -> dict[str, Any]:
    """Return a vendor's accounts for the page."""
    vendor, store = stand_in.VENDOR, store_of(request)
    number = store.count(vendor)
    shown = store.all(vendor, max(0, number - MAX_ACCOUNTS))
    columns = [each for each in stand_in.FIELDS if each.listed]
    rows = []
    for account, record in shown:
        before = admin_of(request).before(vendor, account, record)
        cells = [
            (each.shown(record), each.shown(before) or "empty" if each.key in before else None) for each in columns
        ]
        unlisted = [each.label for each in stand_in.FIELDS if each.key in before and not each.listed]
        rows.append({"id": account, "email": record[stand_in.EMAIL], "cells": cells, "unlisted": unlisted})
    return {"name": vendor, "columns": [each.label for each in columns], "rows": rows, "number": number}


def _entry(logged: dict[str, Any]) -> dict[str, Any]:
    when = time.localtime(logged["at"])
    return logged | {
        "clock": time.strftime("%H:%M:%S", when),
        "date": time.strftime("%Y-%m-%dT%H:%M:%S", when),
        "milliseconds": f"{logged['seconds'] * 1000:.0f}",
        "status": logged["status"] or "none",
        "went": "well" if 200 <= logged["status"] < 400 else "badly",
    }


def _extent(fault: Fault) -> str:
    """Return how many more requests of which kind the fault affects."""
    what = "writes" if fault.writes else "requests"
    if not fault.times:
        return f"all {what} until switched off"
    return f"the next {fault.times} {what}" if fault.times > 1 else f"the next {what.removesuffix('s')}"


def _has_tokens(stand_in: StandIn) -> bool:
    return any(is_login(route.path) for routes in stand_in.MOUNTS.values() for route in routes)


async def new(request: Request) -> Response:
    """GET /accounts/{vendor}/new"""
    return _form(request, _stand_in(request), None, {})


async def account(request: Request) -> Response:
    """GET /accounts/{vendor}/{id}"""
    return _form(request, _stand_in(request), request.path_params["id"], _record(request))


def _form(
    request: Request, stand_in: StandIn, account: str | None, record: Mapping[str, Any], typed: FormData | None = None,
    wrong: str = "",
) -> Response:  # fmt: skip
    """Return the form of one account, with the record's values or with those that were typed."""
    texts = {each.key: each.texts(record) if typed is None else _texts(typed, each.key) for each in stand_in.FIELDS}
    return _rendered(
        "account.html",
        400 if wrong else 200,
        vendor=stand_in.VENDOR,
        account=account,
        email=record.get(stand_in.EMAIL),
        email_key=stand_in.EMAIL,
        fields=[(each, texts[each.key] or [""]) for each in stand_in.FIELDS],
        wrong=wrong,
    )


# --- acting -----------------------------------------------------------------------------------


async def add(request: Request) -> Response:
    """POST /accounts/{vendor}"""
    stand_in, form = _stand_in(request), await request.form()
    try:
        fields = changes(stand_in.FIELDS, {}, lambda key: _texts(form, key), stand_in.EMAIL)
        admin_of(request).add(stand_in.VENDOR, fields)
    except (InvalidForm, Taken) as error:
        return _form(request, stand_in, None, {}, form, _words(error))
    return _back("added", stand_in.VENDOR)


async def change(request: Request) -> Response:
    """POST /accounts/{vendor}/{id}"""
    stand_in, form, record = _stand_in(request), await request.form(), _record(request)
    account = request.path_params["id"]
    try:
        fields = changes(stand_in.FIELDS, record, lambda key: _texts(form, key), stand_in.EMAIL)
        if fields:
            admin_of(request).change(stand_in.VENDOR, account, fields)
    except (InvalidForm, Taken) as error:
        return _form(request, stand_in, account, record, form, _words(error))
    return _back("changed" if fields else "same", stand_in.VENDOR)


async def delete(request: Request) -> Response:
    """POST /accounts/{vendor}/{id}/delete"""
    stand_in = _stand_in(request)
    try:
        admin_of(request).remove(stand_in.VENDOR, request.path_params["id"])
    except NoSuchAccount:
        raise HTTPException(404, "There is no such account; go back and reload the page.") from None
    return _back("deleted", stand_in.VENDOR)


async def fault(request: Request) -> Response:
    """POST /faults"""
    form = await request.form()
    vendor = _known(request, str(form.get("vendor")))
    try:
        times, seconds = int(str(form.get("times", "1"))), float(str(form.get("seconds", "5")))
        wanted = Fault(kind=form.get("kind"), times=times, writes=form.get("to") == "writes", seconds=seconds)  # type: ignore[arg-type]
    except ValidationError as error:
        raise HTTPException(400, "; ".join(f"{name}: {text}" for name, text in field_errors(error).items())) from None
    except ValueError:
        raise HTTPException(400, "Times and seconds must be numbers: go back and write them as 5.") from None
    set_switches(request, {}, {}, {vendor: wanted})
    return _back("fault-on", "faults")


async def no_fault(request: Request) -> Response:
    """POST /faults/{vendor}/off"""
    set_switches(request, {}, {}, {_stand_in(request).VENDOR: None})
    return _back("fault-off", "faults")


async def expire(request: Request) -> Response:
    """POST /tokens/{vendor}"""
    store_of(request).revoke(_stand_in(request).VENDOR)
    return _back("expired", "faults")


async def switch(request: Request) -> Response:
    """POST /options"""
    form = await request.form()
    quirks: dict[str, Any] = {}
    for stand_in in stand_ins_of(request).values():
        for name, quirk in stand_in.QUIRKS.items():
            text = str(form.get(name))
            if text not in quirk.choices if quirk.choices else not _NUMBER.fullmatch(text):
                raise HTTPException(400, f"{name}: go back and choose a value, or write a number from 0 on.")
            quirks[name] = text if quirk.choices else int(text)
    lifetime = str(form.get("token_lifetime"))
    if not _NUMBER.fullmatch(lifetime):
        raise HTTPException(400, "The lifetime of tokens must be a number of seconds: go back and write it as 3600.")
    set_switches(request, {"limits": "limits" in form, "token_lifetime": int(lifetime)}, quirks, {})
    return _back("switched", "switches")


# --- helpers ----------------------------------------------------------------------------------


@cache
def _templates() -> "Environment":
    """Return the templates; jinja2 is imported only when the page is opened."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["title_of"] = _title
    return found


def _title(vendor: str) -> str:
    """Return the name of a vendor for people: its stand-in's `TITLE`, else its own name with a capital."""
    return str(getattr(import_module(f".{vendor}", __package__), "TITLE", vendor.capitalize()))


def _rendered(template: str, status: int = 200, **values: Any) -> Response:
    page = _templates().get_template(template).render(values)
    return HTMLResponse(page.encode(errors="replace"), status)  # a record may contain surrogates


def _back(done: str, at: str) -> Response:
    """Redirect to the page, which says what was done; a reload does not do it again."""
    return RedirectResponse(f"/?{urlencode({'done': done, 'at': at})}#{at}", 303)


def _known(request: Request, vendor: str) -> str:
    if vendor not in stand_ins_of(request):
        raise HTTPException(404, "There is no such vendor.")
    return vendor


def _stand_in(request: Request) -> StandIn:
    return stand_ins_of(request)[_known(request, request.path_params["vendor"])]


def _record(request: Request) -> dict[str, Any]:
    record = store_of(request).get(request.path_params["vendor"], request.path_params["id"])
    if record is None:
        raise HTTPException(404, "There is no such account; go back and reload the page.")
    return record


def _texts(form: FormData, key: str) -> list[str]:
    return [text for text in form.getlist(key) if isinstance(text, str)]


def _words(error: InvalidForm | Taken) -> str:
    return "The e-mail is taken: choose another" if isinstance(error, Taken) else str(error)


ROUTES = [
    Route("/", index),
    Route("/accounts/{vendor}", add, methods=["POST"]),
    Route("/accounts/{vendor}/new", new, methods=["GET"]),
    Route("/accounts/{vendor}/{id}", account, methods=["GET"]),
    Route("/accounts/{vendor}/{id}", change, methods=["POST"]),
    Route("/accounts/{vendor}/{id}/delete", delete, methods=["POST"]),
    Route("/faults", fault, methods=["POST"]),
    Route("/faults/{vendor}/off", no_fault, methods=["POST"]),
    Route("/tokens/{vendor}", expire, methods=["POST"]),
    Route("/options", switch, methods=["POST"]),
    Mount("/static", StaticFiles(directory=_HERE / "static")),
]
