"""Passwords that are sent once and written nowhere.

`check` puts a salted fingerprint in the place of a secret argument and keeps the plain value in this
process; `create` and `update`, which run in the same process, take it from there. State files, diffs
and logs see the fingerprint only.

The same place knows every other secret of the process (credentials, tokens, what records hold), and blanks them in
every message before it leaves the process.
"""

import base64
import hashlib
import hmac
import html
import json
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from threading import Lock
from urllib.parse import quote, quote_plus

from .text import printable

BLANK = "[secret]"
JSON_LEVELS = 3
"""How often text may be quoted in JSON in JSON."""
WHOLE = 4
"""A secret of at least so many characters is blanked everywhere; a shorter one only as a word of the vendor's."""

# About 4 ms: `check` runs serially, so a thousand passwords cost four seconds.
_COST = {"n": 2**11, "r": 8, "p": 1, "dklen": 32}
_FINGERPRINT = re.compile(r"scrypt:([A-Za-z0-9+/]{22}==):([A-Za-z0-9+/]{43}=)")  # 16 and 32 bytes


def matches(plain: str, fingerprint: str) -> bool:
    """Return whether the fingerprint was made from this plain value."""
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


def _written(secret: str) -> Iterator[str]:
    """Yield the ways in which a secret may be written: in each of Unicode's normal forms, plain and escaped.

    UTF-8 that was read as Latin-1 is one of them.
    """
    composed = {secret, *(unicodedata.normalize(form, secret) for form in ("NFC", "NFD"))}
    for text in composed | {each.encode(errors="replace").decode("latin-1") for each in composed}:
        yield from _escaped(text)


def _escaped(secret: str) -> Iterator[str]:
    """Yield the text as it is, and escaped for JSON (up to three times), a repr, a URL, HTML."""
    yield from (secret, " ".join(secret.split()))
    level = {secret}
    for _ in range(JSON_LEVELS):
        level = {json.dumps(each, ensure_ascii=is_ascii)[1:-1] for each in level for is_ascii in (True, False)}
        level |= {each.replace("/", "\\/") for each in level}
        yield from level
    yield from (repr(secret)[1:-1], repr(f"{secret}'\"")[1:-4])
    text = secret.encode(errors="replace")
    quoted = quote(text), quote(text, safe=""), quote_plus(text)
    yield from (*quoted, *(re.sub("%..", lambda found: found[0].lower(), each) for each in quoted))
    for numbers in ("&#{};", "&#x{:x};", "&#x{:X};"):
        yield "".join(numbers.format(ord(char)) for char in secret)
    in_html = html.escape(secret)
    yield from (in_html, in_html.replace("&#x27;", "&#039;"), html.escape(secret, quote=False))


def _plain(text: str) -> str:
    """Return the text without escapes that stand for one character: HTML's references and JSON's numbers."""
    return html.unescape(re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text))


class Known:
    """The secrets that this process knows. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._short: set[str] = set()
        self._long: defaultdict[str, set[str]] = defaultdict(set)
        """Every way in which one may be written, by its first characters."""

    def learn(self, *secrets: str) -> None:
        """Blank these from now on."""
        with self._lock:
            for secret in secrets:
                if len(secret) < WHOLE:
                    self._short.update([secret] if secret.strip() else [])
                    continue
                for form in _written(secret):
                    if len(form) >= WHOLE:
                        self._long[form[:WHOLE]].add(form)

    def blanked(self, text: str, *, is_quoted: bool = False) -> str:
        """Return the text without any secret; in a vendor's own words (`is_quoted`) without the short ones as well.

        If such words contain a secret only after their escapes are resolved, they come back without the escapes.
        """
        text = self._blanked(text, is_quoted=is_quoted)
        if not is_quoted:
            return text
        plain = _plain(text)
        bare = self._blanked(plain, is_quoted=True)
        return text if bare == plain else bare

    def _blanked(self, text: str, *, is_quoted: bool) -> str:
        with self._lock:
            spans = self._spans(text)
            short = sorted(self._short) if is_quoted else []
        for start, end in reversed(spans):
            text = text[:start] + BLANK + text[end:]
        for secret in short:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", BLANK, text)
        return text

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of the secrets in a text; spans that touch are joined."""
        spans: list[tuple[int, int]] = []
        for start in range(len(text) - WHOLE + 1):
            forms = self._long.get(text[start : start + WHOLE], ())
            end = max((start + len(form) for form in forms if text.startswith(form, start)), default=0)
            if end and spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            elif end:
                spans.append((start, end))
        return spans

    def message(self, text: str) -> str:
        """Return a text that may leave the process: without secrets, and without what would act on a terminal."""
        return "\n".join(map(printable, self.blanked(text).split("\n")))


class Vault(Known):
    """The plain values of this process, by fingerprint. Safe for several threads."""

    def __init__(self) -> None:
        super().__init__()
        self._plain: dict[str, str] = {}

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
            self.learn(plain)
            with self._lock:
                self._plain[fingerprint] = plain
        return fingerprint

    def reveal(self, fingerprint: str) -> str | None:
        """Return the plain value behind a fingerprint; None if this process never saw it."""
        with self._lock:
            return self._plain.get(fingerprint)

    def __repr__(self) -> str:
        return f"Vault({len(self._plain)} values)"


VAULT = Vault()
"""The secrets of this process: `check` fills it, `create` and `update` read it, messages are blanked by it."""
