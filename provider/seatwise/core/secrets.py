"""Passwords that are sent once and written nowhere.

`check` puts a salted fingerprint in the place of a secret argument and keeps the plain value in this
process; `create` and `update`, which run in the same process, take it from there. State files, diffs
and logs see the fingerprint only.
"""

import base64
import hashlib
import hmac
import os
import re
from hashlib import blake2b
from threading import Lock

# About 4 ms: `check` runs serially, so a thousand passwords cost four seconds.
_COST = {"n": 2**11, "r": 8, "p": 1, "dklen": 32}
_FINGERPRINT = re.compile(r"scrypt:([A-Za-z0-9+/]{22}==):([A-Za-z0-9+/]{43}=)")  # 16 and 32 bytes


def matches(plain: str, fingerprint: str) -> bool:
    """Whether the fingerprint was made from this plain value."""
    parts = _FINGERPRINT.fullmatch(fingerprint)
    if not parts:
        return False
    salt = base64.b64decode(parts[1])
    return hmac.compare_digest(_fingerprint(plain, salt), fingerprint)


def _salt(whose: str) -> bytes:
    return blake2b(whose.encode(), digest_size=16, person=b"seatwise salt").digest() if whose else os.urandom(16)


def _fingerprint(plain: str, salt: bytes) -> str:
    digest = hashlib.scrypt(plain.encode(), salt=salt, **_COST)
    return f"scrypt:{base64.b64encode(salt).decode()}:{base64.b64encode(digest).decode()}"


class Vault:
    """The plain values of this process, by fingerprint. Safe for several threads."""

    def __init__(self) -> None:
        self._plain: dict[str, str] = {}
        self._lock = Lock()

    def seal(self, plain: str, old: str | None = None, whose: str = "") -> str:
        """Return the fingerprint of a plain value: the old one if it was made from the same value.

        `whose` names the argument of the resource. Its salt follows from that, so that a plan and the run that carries
        it out have one fingerprint. Where it is empty, the salt is random.
        """
        if old is not None and (plain == old or matches(plain, old)):
            fingerprint = old
        else:
            fingerprint = _fingerprint(plain, _salt(whose))
        if plain != fingerprint:
            with self._lock:
                self._plain[fingerprint] = plain
        return fingerprint

    def reveal(self, fingerprint: str) -> str | None:
        """The plain value behind a fingerprint; None when this process never saw it."""
        with self._lock:
            return self._plain.get(fingerprint)

    def __repr__(self) -> str:
        return f"Vault({len(self._plain)} values)"
