"""What stands before every route: how much is taken at once and from whom, headers, request ids.

Plain ASGI, because each event's request passes it. Whatever a route does, its answer has the
headers that keep a browser from making more of it than it is (https://owasp.org/www-project-
secure-headers/), and a request id that is also in the log.
"""

import itertools
import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Collection
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from onetrail_collector.address import is_local, limit_key
from onetrail_collector.answers import WHOLE, with_defaults
from onetrail_collector.buckets import Buckets
from onetrail_collector.errors import Refused, busy, rate_limited
from onetrail_collector.limits import Limits

RETRY_AFTER_S = 2
SENSIBLE_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")  # what log readers and browsers can stand
LOOK_FOR_PROXY_EVERY = 64  # requests
FROM_PROXY = "onetrail.from_proxy"

REFUSAL_HEADERS = [
    (b"content-type", b"application/json"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]

log = logging.getLogger("onetrail_collector")


class FromProxies(ProxyHeadersMiddleware):
    """Believes the forwarded address of those proxies that are configured, and marks theirs."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As uvicorn's, https://www.uvicorn.org/settings/#http."""
        client = scope.get("client")
        if client and client[0] in self.trusted_hosts:
            scope[FROM_PROXY] = True
        await super().__call__(scope, receive, send)


class Guard:
    """An ASGI application around another one."""

    def __init__(
        self, app: ASGIApp, limits: Limits, *, answers: Counter[int], access_log: bool = False
    ) -> None:
        self.connections: Collection[object] = ()  # those that are open; the server sets it
        self._answers = answers  # by HTTP status: its own refusals are among them
        self._app = app
        self._limits = limits
        self._access_log = access_log
        self._buckets = Buckets(limits.requests_per_second, limits.burst_s)
        self._at_once = 0
        self._numbers = itertools.count()
        self._start = secrets.token_hex(4).encode()
        self._warned_of: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.monotonic()
        request_id = self._request_id(scope)
        status = 0

        def send_guarded(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == WHOLE:
                status = message["head"].status
                self._answers[status] += 1
                message["request_id"] = request_id
            elif message["type"] == "http.response.start":
                status = message["status"]
                self._answers[status] += 1
                headers = with_defaults(message["headers"])
                message["headers"] = [*headers, (b"x-request-id", request_id)]
            return send(message)

        self._at_once += 1
        try:
            refused = self._refusal(scope, began_s)
            if refused is None:
                await self._app(scope, receive, send_guarded)
            else:
                await _refuse(send_guarded, refused)
        except Exception:
            log.exception("a request failed", extra=_fields(scope, request_id))
            if not status:
                fault = Refused(500, "internal", "the collector failed on this request")
                await _refuse(send_guarded, fault)
        finally:
            self._at_once -= 1
        if self._access_log or status >= 500:  # noqa: PLR2004 - HTTP's server errors
            self._write_line(scope, request_id, status, began_s)

    def _request_id(self, scope: Scope) -> bytes:
        """Its own; a trusted proxy's, where it gave one that is fit to be written down."""
        number = next(self._numbers)
        if scope.get(FROM_PROXY):
            for name, value in scope["headers"]:
                if name == b"x-request-id" and SENSIBLE_ID.fullmatch(value):
                    return bytes(value)
        elif number % LOOK_FOR_PROXY_EVERY == 0:
            self._look_for_proxy(scope)
        return b"%s-%x" % (self._start, number)

    def _refusal(self, scope: Scope, now_s: float) -> Refused | None:
        limits = self._limits
        if (
            self._at_once > limits.requests_at_once or len(self.connections) > limits.connections
        ) and scope["path"] != "/healthz":  # busy is not dead
            return busy(
                f"{self._at_once} requests on {len(self.connections)} connections are under way; "
                f"the limits are {limits.requests_at_once} and {limits.connections}: send again",
                retry_after_s=RETRY_AFTER_S,
            )
        client = scope["client"]
        if client is None or is_local(client[0]):
            return None
        wait_s = self._buckets.take(limit_key(client[0]), now_s)
        if wait_s == 0:
            return None
        self._look_for_proxy(scope)
        return rate_limited(
            f"your address sends more than {limits.requests_per_second} requests a second: "
            "send again, with more events in each",
            retry_after_s=wait_s,
        )

    def _look_for_proxy(self, scope: Scope) -> None:
        """A proxy that nobody configured makes all the world one client: say so, once."""
        if scope.get(FROM_PROXY) or scope["client"] is None:
            return
        address = scope["client"][0]
        if self._warned_of != address and b"x-forwarded-for" in dict(scope["headers"]):
            self._warned_of = address
            log.warning(
                "%s sends X-Forwarded-For, which is not believed; if it is your proxy, "
                "add it to limits.trusted_proxies",
                address,
            )

    def _write_line(self, scope: Scope, request_id: bytes, status: int, began_s: float) -> None:
        level = logging.WARNING if status >= 500 else logging.INFO  # noqa: PLR2004
        took_ms = round(1000 * (time.monotonic() - began_s), 1)
        extra = _fields(scope, request_id)
        extra["fields"] |= {"status": status, "took_ms": took_ms}
        log.log(level, "answered", extra=extra)


def _fields(scope: Scope, request_id: bytes) -> dict[str, dict[str, Any]]:
    """What the log says of a request: no query, no ids from the path, no address, no header."""
    path: str = scope["path"]
    for name, value in scope.get("path_params", {}).items():
        path = path.replace(str(value), f"{{{name}}}", 1)
    fields = {"request_id": request_id.decode(), "method": scope["method"], "path": path[:80]}
    return {"fields": fields}


async def _refuse(send: Send, refused: Refused) -> None:
    body = msgspec.json.encode({"error": refused.code, "detail": refused.detail})
    headers = [*REFUSAL_HEADERS, (b"content-length", b"%d" % len(body))]
    if refused.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % refused.retry_after_s))
    if refused.code == "busy":
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
