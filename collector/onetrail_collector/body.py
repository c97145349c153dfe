"""Reading a request's body: bounded before, and while, it is inflated."""

import io
import zlib
from collections import Counter
from collections.abc import Mapping

import zstandard
from starlette.types import Receive, Scope

from onetrail_collector.address import is_local, limit_key
from onetrail_collector.errors import Refused, busy, not_json, too_large

MAX_BODY_BYTES = 1_048_576  # as sent, and again as inflated
MAX_ARRIVING_BYTES = 67_108_864  # of all bodies that are on their way
MAX_ARRIVING_BYTES_OF_ONE = 8_388_608  # of these, from one address: nobody takes the room of all
RETRY_AFTER_S = 1
MAX_ZSTD_WINDOW_BYTES = 8_388_608  # what RFC 9659 lets a web client use

ACCEPTED_ENCODINGS = "gzip, zstd"


class Disconnected(Exception):  # noqa: N818 - nobody is left to be told
    """The client went away before its body was here."""


class Room:
    """What all bodies that are still arriving may hold of the memory, together."""

    def __init__(self, max_bytes: int = MAX_ARRIVING_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._of: Counter[str] = Counter()

    def take(self, size: int, whose: str) -> None:
        """Raises Refused (503) where there is no room; nothing is taken then.

        `whose` is the address that has a share of its own; empty where it has all.
        """
        bounds = [("the bodies", self._bytes, self._max_bytes)]
        if whose:
            bounds.append(("your bodies", self._of[whose], MAX_ARRIVING_BYTES_OF_ONE))
        for what, held, limit in bounds:
            if held + size > limit:
                raise busy(
                    f"{what} that arrive now hold {held} bytes; the limit is {limit}: send again",
                    retry_after_s=RETRY_AFTER_S,
                )
        self._bytes += size
        self._of[whose] += size

    def give_back(self, size: int, whose: str) -> None:
        """When a body is here, or its client gone."""
        self._bytes -= size
        self._of[whose] -= size
        if not self._of[whose]:
            del self._of[whose]


async def read_body(
    scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, room: Room
) -> bytes:
    """The body, inflated where the header Content-Encoding says so. Raises Refused, Disconnected.

    `headers` are the scope's; their names are in lower case, as ASGI has them.
    """
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise _too_large("the body", int(declared))
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        body = await _rest(body, receive, room, _whose(scope))
    elif message["type"] == "http.disconnect":
        raise Disconnected
    if len(body) > MAX_BODY_BYTES:
        raise _too_large("the body", len(body))
    encoding = headers.get(b"content-encoding")
    return body if encoding is None else inflate(body, encoding.decode("latin-1").strip().lower())


def _whose(scope: Scope) -> str:
    """The address whose share of the room a body takes; a process on this machine has none."""
    client = scope.get("client")
    return limit_key(client[0]) if client and not is_local(client[0]) else ""


async def _rest(begun: bytes, receive: Receive, room: Room, whose: str) -> bytes:
    parts, size, held = [begun], len(begun), 0
    try:
        more = True
        while more:
            room.take(size - held, whose)
            held = size
            if size > MAX_BODY_BYTES:
                raise _too_large("the body", size)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
    finally:
        room.give_back(held, whose)
    return b"".join(parts)


def inflate(body: bytes, encoding: str) -> bytes:
    """At most MAX_BODY_BYTES of what `encoding` (RFC 9110, section 8.4.1) packed."""
    if encoding in {"identity", ""}:
        return body
    if encoding not in {"gzip", "x-gzip", "zstd"}:
        detail = f"content-encoding {encoding[:40]!r} is not known here; use {ACCEPTED_ENCODINGS}"
        raise Refused(415, "unsupported_encoding", detail)
    try:
        inflated = _inflate_zstd(body) if encoding == "zstd" else _inflate_gzip(body)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise not_json(f"the body is not {encoding}, as its header says: {error}") from None
    if len(inflated) > MAX_BODY_BYTES:
        raise _too_large("the inflated body", len(inflated))
    return inflated


def _inflate_zstd(body: bytes) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW_BYTES)
    with decompressor.stream_reader(io.BytesIO(body)) as reader:
        return reader.read(MAX_BODY_BYTES + 1)


def _inflate_gzip(body: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    inflated = inflater.decompress(body, MAX_BODY_BYTES + 1)
    if len(inflated) <= MAX_BODY_BYTES and not inflater.eof:
        raise EOFError("it ends too early")
    return inflated


def _too_large(what: str, size: int) -> Refused:
    return too_large(f"{what} is at least {size} bytes; the limit is {MAX_BODY_BYTES}: split it")
