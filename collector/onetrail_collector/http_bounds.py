"""uvicorn's HTTP/1.1 with bounds on what a connection may hold before there is a request to refuse.

The parser makes Python objects of whatever arrives: 250 kB of nothing but `GET /` are 14,000
requests of a kilobyte each, a head of five-byte headers is twenty times as large in memory, and
trailers (RFC 9112, section 7.1.2) grow without end.
"""

from collections import Counter
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from onetrail_collector.address import is_local, limit_key
from onetrail_collector.errors import Refused, rate_limited
from onetrail_collector.limits import Limits

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from onetrail_collector.http_answers import EXTENSIONS, Cycle
except ImportError:  # pragma: no cover - where there is no CPython
    HttpToolsProtocol = None  # type: ignore[assignment,misc]

MAX_HEAD_BYTES = 32_768  # request line and headers; browsers and proxies stop at 8,192 to 16,384
MAX_HEADERS = 100  # of one request, trailers too; as Apache and most proxies
MAX_PIPELINED = 32  # requests that wait for the one before; browsers send none so
RETRY_AFTER_S = 2

REASONS = {400: "Bad Request", 408: "Request Timeout", 429: "Too Many Requests"}


class Visitors:
    """How many connections each client address has; a proxy of ours, or this machine, is none."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.connections_per_address
        self._proxies = [ip_network(proxy) for proxy in limits.trusted_proxies]
        self._open: Counter[str] = Counter()
        self._is_free = lru_cache(maxsize=1024)(self._is_one_of_ours)

    def enter(self, address: str) -> str | None:
        """Whose connection it is, to be given back by leave(); None where it is nobody's.

        Raises Refused (429) where that address has enough.
        """
        if self._is_free(address):
            return None
        key = limit_key(address)
        if self._open[key] >= self._most:
            raise rate_limited(
                f"your address holds {self._most} connections, which is the limit: use them",
                retry_after_s=RETRY_AFTER_S,
            )
        self._open[key] += 1
        return key

    def leave(self, key: str) -> None:
        """A connection has ended."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]

    def _is_one_of_ours(self, address: str) -> bool:
        try:
            ip = ip_address(address.partition("%")[0])
        except ValueError:  # a socket of this machine's own
            return True
        return is_local(address) or any(ip in proxy for proxy in self._proxies)


def to_line(refused: Refused) -> bytes:
    """An answer as it goes over the line, for what never becomes a request."""
    body = msgspec.json.encode({"error": refused.code, "detail": refused.detail})
    wait_s = refused.retry_after_s
    retry = f"retry-after: {wait_s}\r\n" if wait_s else ""
    return (
        f"HTTP/1.1 {refused.status} {REASONS.get(refused.status, 'Refused')}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{retry}"
        "access-control-allow-origin: *\r\nx-content-type-options: nosniff\r\n"
        "connection: close\r\n\r\n"
    ).encode() + body


if HttpToolsProtocol is not None:

    class BoundedProtocol(HttpToolsProtocol):
        """uvicorn's, with those bounds, and our shape of error where it is no HTTP."""

        def __init__(self, *args: Any, visitors: Visitors, **options: Any) -> None:
            super().__init__(*args, **options)
            self._visitors = visitors
            self._whose: str | None = None
            self._unread_bytes = 0  # that are neither a whole head yet, nor of a body
            self._got_body = False
            self._complaint: Refused | None = None

        def connection_made(self, transport: Any) -> None:
            """Somebody is at the door; an address that has enough connections is told so."""
            super().connection_made(transport)
            try:
                self._whose = self._visitors.enter(self.client[0]) if self.client else None
            except Refused as refused:
                self._end(refused)

        def connection_lost(self, exc: Exception | None) -> None:
            """It has ended."""
            if self._whose is not None:
                self._visitors.leave(self._whose)
                self._whose = None
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            """Take what arrived; refuse a head, or trailers, beyond MAX_HEAD_BYTES."""
            if self.transport.is_closing():
                return
            if len(data) > MAX_HEAD_BYTES and not self._in_body():
                end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
                if end < 0:
                    self._refuse_head()
                    return
            self._got_body = False
            super().data_received(data)
            cycle = self.cycle
            whole_head = cycle is not None and cycle.scope is self.scope
            if whole_head and (self._got_body or not cycle.more_body):
                self._unread_bytes = 0
                return
            self._unread_bytes += len(data)
            if self._unread_bytes > MAX_HEAD_BYTES:
                self._refuse_head()

        def on_message_begin(self) -> None:
            """Another request; the parser stops where too many wait."""
            if len(self.pipeline) >= MAX_PIPELINED:
                self._complain(400, "bad_request", f"{MAX_PIPELINED} requests wait for an answer")
            super().on_message_begin()

        def on_header(self, name: bytes, value: bytes) -> None:
            """Another header; the parser stops where there are too many."""
            if len(self.headers) >= MAX_HEADERS:
                detail = f"there are over {MAX_HEADERS} headers, which is the limit"
                self._complain(431, "head_too_large", detail)
            super().on_header(name, value)

        def on_headers_complete(self) -> None:
            """A whole head; its task has not begun yet, so that the cycle can become ours."""
            super().on_headers_complete()
            self.cycle.__class__ = Cycle
            self.scope["extensions"] = EXTENSIONS

        def on_response_complete(self) -> None:
            """An answer is out; connections.py looks for idle ones, so that no timer is set."""
            if self.pipeline:
                super().on_response_complete()
                return
            self.server_state.total_requests += 1
            if not self.transport.is_closing():
                self.flow.resume_reading()

        def on_body(self, body: bytes) -> None:
            """A part of the body."""
            self._got_body = True
            super().on_body(body)

        def send_400_response(self, msg: str) -> None:
            """Not HTTP (RFC 9112), or more of it than is taken."""
            self._end(self._complaint or Refused(400, "bad_request", msg))

        def _complain(self, status: int, code: str, detail: str) -> None:
            self._complaint = Refused(status, code, detail)
            raise self._complaint  # through the parser, to send_400_response

        def _in_body(self) -> bool:
            cycle = self.cycle
            return cycle is not None and cycle.scope is self.scope and cycle.more_body

        def _refuse_head(self) -> None:
            detail = f"request line and headers are over {MAX_HEAD_BYTES} bytes, which is the limit"
            self._end(Refused(431, "head_too_large", detail))

        def _end(self, refused: Refused) -> None:
            if not self.transport.is_closing():
                self.transport.write(to_line(refused))
                self.transport.close()


def protocol(limits: Limits) -> Any:
    """What uvicorn makes of each connection of one server: its `http`."""
    if HttpToolsProtocol is None:
        return "h11"  # slower, with a bound of its own on the head
    return partial(BoundedProtocol, visitors=Visitors(limits))
