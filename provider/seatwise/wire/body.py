"""The body of a response, read up to a size limit and with at most one layer of compression."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import cast

import httpx

MAX_BODY_BYTES = 10 * 1024 * 1024  # bytes, on the wire and unpacked
ENCODINGS = ("gzip", "x-gzip", "deflate")
ACCEPTED = {"Accept-Encoding": "gzip"}
GZIP_OR_ZLIB_WBITS = 47  # zlib's `wbits` for either format: zlib detects it by the first bytes


class UnreadableBody(Exception):
    """A body that is too large, cut off or in an unknown encoding; the message says which."""


async def read(response: httpx.Response) -> bytes:
    """Return the decompressed body of a response whose stream was not read yet; raises UnreadableBody.

    Not `response.aread()`: httpx decompresses any number of layers, each without a size limit.
    """
    body, on_the_wire = _Body(response.headers.get("content-encoding", "")), 0
    stream = cast(AsyncIterable[bytes], response.stream)
    async with aclosing(cast(AsyncGenerator[bytes, None], aiter(stream))) as chunks:
        async for chunk in chunks:
            on_the_wire += len(chunk)
            body.take(chunk)
            if max(on_the_wire, len(body.content)) > MAX_BODY_BYTES:
                raise UnreadableBody("larger than 10 MiB")
    return body.whole()


class _Body:
    def __init__(self, encoding: str) -> None:
        names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in ("", "identity")]
        self._is_readable = not names or (len(names) == 1 and names[0] in ENCODINGS)
        self._packed = zlib.decompressobj(wbits=GZIP_OR_ZLIB_WBITS) if names else None
        self.content = bytearray()

    def take(self, chunk: bytes) -> None:
        """Add a received chunk; decompress at most one byte more than the limit. Raises UnreadableBody."""
        if not self._is_readable and chunk:
            raise UnreadableBody("in an encoding that was not asked for")
        if self._packed is None:
            self.content += chunk
            return
        try:
            self.content += self._packed.decompress(chunk, MAX_BODY_BYTES + 1 - len(self.content))
        except zlib.error:
            raise UnreadableBody("unreadable as gzip") from None

    def whole(self) -> bytes:
        """Return the content; raises UnreadableBody if the compressed stream is incomplete."""
        if self._packed is not None and self.content and not self._packed.eof:
            raise UnreadableBody("cut off")
        return bytes(self.content)
