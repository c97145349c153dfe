"""A protocol's endpoint as plain ASGI: call to Envelopes, Envelopes to Receipt, Receipt to answer.

It is below Starlette's Request and Response because it is the one route that must cost as little
as it can. A page of any origin may send and read the answer; no cookie is ever read.
(CORS: https://fetch.spec.whatwg.org/#http-cors-protocol.)
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from onetrail_collector.answers import WHOLE, Head
from onetrail_collector.auth import presented_secret
from onetrail_collector.body import Disconnected, read_body
from onetrail_collector.errors import Refused
from onetrail_collector.wire.envelope import Client, Envelope, Receipt
from onetrail_collector.wire.exchange import JSON, Answer, Call, Exchange

Submit = Callable[[Envelope], Awaitable[Receipt]]
Headers = list[tuple[bytes, bytes]]

MAX_USER_AGENT_BYTES = 512  # thousands are remembered, each as long as it is
# Of one request, which may be of thousands of devices: a tenth of the queue.
ENVELOPES_AT_ONCE = 200

CORS: Headers = [
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
]


def routes(exchanges: tuple[Exchange, ...]) -> list[Route]:
    """A route for each path of each exchange."""
    return [
        Route(path, Endpoint(exchange), methods=[*exchange.methods, "OPTIONS"])
        for exchange in exchanges
        for path in exchange.paths
    ]


def ways_in(exchanges: tuple[Exchange, ...]) -> dict[tuple[str, str], ASGIApp]:
    """The endpoint of each method and path, as far as paths are whole and not patterns."""
    return {
        (method, path): Endpoint(exchange)
        for exchange in exchanges
        for path in exchange.paths
        for method in exchange.methods
        if "{" not in path
    }


class Endpoint:
    """One kind of exchange over HTTP; an ASGI application."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._usual = Head(200, [JSON, *CORS])
        self._preflight: Headers = [
            (b"access-control-allow-methods", ", ".join(exchange.methods).encode()),
            (b"access-control-allow-headers", exchange.allowed_headers.encode()),
            (b"access-control-max-age", b"86400"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        if scope["method"] == "OPTIONS":
            await _answer(send, 200, [*self._cors(headers), *self._preflight], b"")
            return
        exchange = self._exchange
        call = Call(
            scope["method"],
            scope["scheme"],
            scope["path"],
            scope.get("path_params", {}),
            scope["query_string"],
            headers,
            b"",
        )
        source = None
        authorization = headers.get(b"authorization")
        state = scope["state"]
        submit: Submit = state["ingest"].submit
        try:
            call.body = await read_body(scope, headers, receive, state["room"])
            decoded = exchange.decode(call)
            if isinstance(decoded, Answer):
                answer: bytes | Answer = decoded
            else:
                source, client = decoded[0].source, _client(scope, headers)
                secret = None if authorization is None else presented_secret(authorization)
                for envelope in decoded:
                    envelope.client, envelope.secret_sha256 = client, secret
                answer = exchange.encode(call, await _store(submit, decoded))
        except Disconnected:
            return
        except Refused as refused:
            scope["state"]["refusals"].note(source, refused)
            scope["state"]["metrics"].refused(refused.code)
            answer = _with_retry(exchange.refuse(call, refused), refused)
        cors = self._cors(headers)
        if isinstance(answer, bytes):
            if cors is CORS and WHOLE in scope.get("extensions", ()):
                await send({"type": WHOLE, "head": self._usual, "body": answer})
            else:
                await _answer(send, 200, [JSON, *cors], answer)
        else:
            await _answer(send, answer.status, [*answer.headers, *cors], answer.body)

    def _cors(self, headers: dict[bytes, bytes]) -> Headers:
        origin = headers.get(b"origin")
        if not self._exchange.with_credentials or origin is None:
            return CORS
        return [
            (b"cross-origin-resource-policy", b"cross-origin"),
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"vary", b"origin"),
        ]


def _client(scope: Scope, headers: dict[bytes, bytes]) -> Client:
    """Who sends this, as connection and headers have it."""
    peer, user_agent = scope.get("client"), headers.get(b"user-agent", b"")
    text = user_agent[:MAX_USER_AGENT_BYTES].decode("latin-1")
    return Client(peer[0] if peer else None, text or None)


async def _store(submit: Submit, envelopes: list[Envelope]) -> Receipt:
    """One Receipt for all; raises Refused where one of them is, for a retry does no harm."""
    if len(envelopes) == 1:
        return await submit(envelopes[0])
    whole = Receipt("", "")
    for start in range(0, len(envelopes), ENVELOPES_AT_ONCE):
        await _store_some(submit, envelopes[start : start + ENVELOPES_AT_ONCE], whole)
    return whole


async def _store_some(submit: Submit, envelopes: Sequence[Envelope], whole: Receipt) -> None:
    for receipt in await asyncio.gather(*map(submit, envelopes), return_exceptions=True):
        if isinstance(receipt, BaseException):
            raise receipt
        whole.accepted += receipt.accepted
        whole.duplicates += receipt.duplicates
        whole.events += receipt.events
        whole.rejected += receipt.rejected
        whole.warnings += receipt.warnings
        whole.duplicate_indexes += receipt.duplicate_indexes


def _with_retry(answer: Answer, refused: Refused) -> Answer:
    if refused.retry_after_s is not None:
        answer.headers = (*answer.headers, (b"retry-after", b"%d" % refused.retry_after_s))
    return answer


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
