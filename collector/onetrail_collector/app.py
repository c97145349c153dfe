"""The collector as an ASGI application: the route table, and what lives while it runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onetrail_collector import api, endpoint, pages
from onetrail_collector.auth import require_admin
from onetrail_collector.clock import Clock, system_clock
from onetrail_collector.errors import Refused
from onetrail_collector.ingest import Ingest
from onetrail_collector.settings import Settings
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.wire.protocols import EXCHANGES


class State(TypedDict):
    """What the lifespan makes, and every request can reach."""

    store: Store
    ingest: Ingest
    settings: Settings


def create_app(settings: Settings, *, clock: Clock = system_clock) -> Starlette:
    """The application. The store opens when it starts and closes, drained, when it stops."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        store = await SqliteStore.open(settings.db, synchronous=settings.durability)
        ingest = Ingest(store, settings.policy, clock)
        ingest.start()
        try:
            yield {"store": store, "ingest": ingest, "settings": settings}
        finally:
            await ingest.close()
            await store.close()

    routes = [
        *endpoint.routes(EXCHANGES),
        Route("/healthz", _healthz),
        Route("/counts", _counts),
        Route("/profiles", _profiles),
        Route("/profiles/{profile_id}", _profile),
        Route("/profiles/{profile_id}/events", _events),
        *pages.tracker_routes(),
    ]
    if settings.demo:
        routes += pages.demo_routes()
    handlers = {Refused: _refused, HTTPException: _http_error, Exception: _failed}
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)  # type: ignore[arg-type]


async def _healthz(_: Request) -> Response:
    return _json({"status": "ok"})


async def _counts(request: Request) -> Response:
    await require_admin(request, request.state.store)
    return _json(await api.counts(request.state.store))


async def _profiles(request: Request) -> Response:
    state = request.state
    await require_admin(request, state.store)
    key = request.query_params.get("key", "")
    return _json(await api.profiles_by_key(state.store, state.settings.policy, key))


async def _profile(request: Request) -> Response:
    await require_admin(request, request.state.store)
    return _json(await api.profile_by_id(request.state.store, request.path_params["profile_id"]))


async def _events(request: Request) -> Response:
    await require_admin(request, request.state.store)
    query = request.query_params
    page = await api.events_page(
        request.state.store,
        request.path_params["profile_id"],
        limit=query.get("limit"),
        cursor=query.get("cursor"),
    )
    return _json(page)


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = msgspec.json.encode(value)
    return Response(body, status, headers, media_type="application/json")


def _refused(_: Request, refusal: Refused) -> Response:
    headers = {} if refusal.retry_after_s is None else {"retry-after": str(refusal.retry_after_s)}
    return _json({"error": refusal.code, "detail": refusal.detail}, refusal.status, headers)


def _http_error(request: Request, error: HTTPException) -> Response:
    known = {404: "not_found", 405: "method_not_allowed"}
    code = known.get(error.status_code, "bad_request")
    detail = f"{request.method} {request.url.path[:80]}: {error.detail}"
    return _json({"error": code, "detail": detail}, error.status_code, dict(error.headers or {}))


def _failed(_: Request, __: Exception) -> Response:
    return _json({"error": "internal", "detail": "the collector failed on this request"}, 500)
