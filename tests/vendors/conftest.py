"""Answers, as the parsers of the vendors get them."""

import json
from typing import Any

from seatwise.core.vendor.http import Answer


def answer(body: Any, status: int = 200) -> Answer:
    """Return a JSON answer."""
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode())
