"""An answer's body: read within bounds, with at most one layer of packing taken off."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import cast

import httpx

LARGEST_ANSWER = 10 * 1024 * 1024  # bytes, on the wire and unpacked
ENCODINGS = ("gzip", "x-gzip", "deflate")
ACCEPTED = {"Accept-Encoding": "gzip"}
EITHER = 47  # zlib's wbits for gzip and zlib, told apart by their first bytes


class UnfitBody(Exception):
    """A body that cannot be read within the bounds; the message says why."""


async def read(response: httpx.Response) -> bytes:
    """Return the whole body of an answer whose stream nobody has read; raises UnfitBody.

    httpx itself takes off as many layers as there are, and each of them whole.
    """
    body, on_the_wire = _Body(response.headers.get("content-encoding", "")), 0
    stream = cast(AsyncIterable[bytes], response.stream)
    async with aclosing(cast(AsyncGenerator[bytes, None], aiter(stream))) as chunks:
        async for chunk in chunks:
            on_the_wire += len(chunk)
            body.take(chunk)
            if max(on_the_wire, len(body.content)) > LARGEST_ANSWER:
                raise UnfitBody("larger than 10 MiB")
    return body.whole()


class _Body:
    def __init__(self, encoding: str) -> None:
        names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
        self._is_readable = not names or (len(names) == 1 and names[0] in ENCODINGS)
        self._packed = zlib.decompressobj(wbits=EITHER) if names else None
        self.content = bytearray()

    def take(self, chunk: bytes) -> None:
        """Add what came over the wire; unpacks no more than one byte above the limit."""
        if not self._is_readable and chunk:
            raise UnfitBody("in an encoding that was not asked for")
        if self._packed is None:
            self.content += chunk
            return
        try:
            self.content += self._packed.decompress(chunk, LARGEST_ANSWER + 1 - len(self.content))
        except zlib.error:
            raise UnfitBody("unreadable as gzip") from None

    def whole(self) -> bytes:
        """Return the content; raises UnfitBody if its end is missing."""
        if self._packed is not None and self.content and not self._packed.eof:
            raise UnfitBody("cut off")
        return bytes(self.content)
