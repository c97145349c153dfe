"""A protocol's endpoint as plain ASGI: body to Envelope, Envelope to Receipt, Receipt to answer.

It is below Starlette's Request and Response because it is the one route that must cost as little
as it can. A page of any origin may send and read the answer; credentials are never needed.
(CORS: https://fetch.spec.whatwg.org/#http-cors-protocol.)
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from starlette.types import Receive, Scope, Send

from onetrail_collector.auth import presented_secret
from onetrail_collector.body import Disconnected, read_body
from onetrail_collector.errors import Refused
from onetrail_collector.wire.envelope import Client, Envelope, Receipt

HEADERS = [
    (b"content-type", b"application/json"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
]
PREFLIGHT_HEADERS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"content-type, content-encoding"),
    (b"access-control-max-age", b"86400"),
]


class Decode(Protocol):
    """Bytes to an Envelope; raises Refused."""

    def __call__(self, body: bytes, *, origin: str | None = None) -> Envelope: ...  # noqa: D102


class Endpoint:
    """One protocol over HTTP; an ASGI application for one path."""

    def __init__(self, decode: Decode, encode: Callable[[Receipt], bytes]) -> None:
        self._decode = decode
        self._encode = encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "OPTIONS":
            await _answer(send, 200, PREFLIGHT_HEADERS, b"")
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        source = None
        authorization = headers.get(b"authorization")
        state = scope["state"]
        submit: Callable[[Envelope], Awaitable[Receipt]] = state["ingest"].submit
        try:
            body = await read_body(headers, receive, state["room"])
            envelope = self._decode(body, origin=origin.decode("latin-1") if origin else None)
            source = envelope.source
            envelope.client = _client(scope, headers)
            if authorization is not None:
                envelope.secret_sha256 = presented_secret(authorization)
            receipt = await submit(envelope)
        except Disconnected:
            return
        except Refused as refused:
            scope["state"]["refusals"].note(source, refused)
            scope["state"]["metrics"].refused(refused.code)
            await _refuse(send, refused)
            return
        await _answer(send, 200, HEADERS, self._encode(receipt))


def _client(scope: Scope, headers: dict[bytes, bytes]) -> Client:
    """Who sends this, as connection and headers have it."""
    peer, user_agent = scope.get("client"), headers.get(b"user-agent")
    return Client(peer[0] if peer else None, user_agent.decode("latin-1") if user_agent else None)


async def _refuse(send: Send, refused: Refused) -> None:
    headers = HEADERS
    if refused.retry_after_s is not None:
        headers = [*HEADERS, (b"retry-after", b"%d" % refused.retry_after_s)]
    body = msgspec.json.encode({"error": refused.code, "detail": refused.detail})
    await _answer(send, refused.status, headers, body)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
