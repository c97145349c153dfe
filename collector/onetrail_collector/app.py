"""The collector as an ASGI application: the route table, and what lives while it runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypedDict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onetrail_collector import endpoint, error_page, health, pages
from onetrail_collector.api import (
    blocked,
    debug,
    dry_run,
    identity,
    live,
    openapi,
    privacy,
    profiles,
    search,
    series,
    sources,
    status,
)
from onetrail_collector.api.operation import json_response
from onetrail_collector.api.operation import routes as operation_routes
from onetrail_collector.body import Disconnected, Room
from onetrail_collector.buckets import Buckets
from onetrail_collector.clock import Clock, system_clock
from onetrail_collector.dry_run import DryRun
from onetrail_collector.enrichment import Enrichment
from onetrail_collector.erasure import Eraser
from onetrail_collector.errors import Refused
from onetrail_collector.ingest import Ingest
from onetrail_collector.metrics import Metrics
from onetrail_collector.page_counts import PageCounts
from onetrail_collector.readiness import Readiness
from onetrail_collector.rebuild import keep_settled
from onetrail_collector.refusals import Refusals
from onetrail_collector.retention import Retention
from onetrail_collector.settings import Settings
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.ui.routes import ui_routes
from onetrail_collector.wire import track
from onetrail_collector.wire.protocols import EXCHANGES


class State(TypedDict):
    """What the lifespan makes, and every request can reach."""

    store: Store
    ingest: Ingest
    settings: Settings
    clock: Clock
    eraser: Eraser
    refusals: Refusals
    room: Room
    failures: Buckets  # of admin tokens, by client address
    stopping: Callable[[], bool]
    metrics: Metrics
    readiness: Readiness
    dry_run: DryRun


OPERATIONS = (
    *identity.OPERATIONS,
    *search.OPERATIONS,  # before GET /profiles/{profile_id}
    *profiles.OPERATIONS,
    *series.OPERATIONS,
    *live.OPERATIONS,
    *privacy.OPERATIONS,
    *debug.OPERATIONS,
    *sources.OPERATIONS,
    *blocked.OPERATIONS,
    *status.OPERATIONS,
    *dry_run.OPERATIONS,
)


def create_app(
    settings: Settings,
    *,
    config: Path | None = None,
    clock: Clock = system_clock,
    stopping: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The application. The store opens when it starts and closes, drained, when it stops.

    `config` is the file that the settings are from, where one was named; `stopping` says whether
    streams must end, so that the server can.
    """
    metrics = Metrics()
    metrics.watch_file(settings.db)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        store = await SqliteStore.open(settings.db, synchronous=settings.durability)
        enrichment = Enrichment(settings.privacy)
        for what in ("marked", "refused"):
            metrics.watch(
                f"bots_{what}",
                f"Sessions or requests of known crawlers, {what}.",
                partial(enrichment.counts.__getitem__, what),
            )
        refusals = Refusals(clock)
        limits = settings.limits
        ingest = Ingest(
            store, settings.policy, clock, metrics=metrics, enrichment=enrichment, limits=limits
        )
        failures = Buckets(limits.failed_tokens_per_minute / 60, 60)
        ingest.start()
        retention = Retention(store, settings.retention, clock, metrics)
        retention.start()
        eraser = Eraser(store, settings.policy, clock)
        await eraser.start()
        settling = asyncio.create_task(
            keep_settled(store, settings.policy, clock), name="onetrail-settling"
        )
        page_counts = PageCounts(store, ingest.committed, clock)
        page_counts.start()
        rehearsal = DryRun(settings.db, config, clock)
        try:
            yield {
                "store": store,
                "ingest": ingest,
                "settings": settings,
                "clock": clock,
                "eraser": eraser,
                "refusals": refusals,
                "room": Room(),
                "failures": failures,
                "stopping": stopping,
                "metrics": metrics,
                "readiness": Readiness(store, ingest),
                "dry_run": rehearsal,
            }
        finally:
            await rehearsal.close()
            await retention.close()
            settling.cancel()
            await asyncio.gather(settling, return_exceptions=True)
            await eraser.close()
            await page_counts.close()
            await ingest.close()
            enrichment.close()
            await store.close()

    routes = [
        *endpoint.routes(EXCHANGES),
        Route("/errors", error_page.answer),
        *health.routes(),
        *operation_routes(OPERATIONS),
        *pages.tracker_routes(),
        *ui_routes(),
    ]
    ways_in = [path for exchange in track.EXCHANGES for path in exchange.paths]
    routes.append(openapi.route(OPERATIONS, ways_in))
    if settings.demo:
        routes += pages.demo_routes()
    handlers = {
        Refused: _refused,
        Disconnected: _gone,
        HTTPException: _http_error,
        Exception: _failed,
    }
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers=handlers,  # type: ignore[arg-type]
    )
    app.state.metrics = metrics
    return app


def _refused(_: Request, refusal: Refused) -> Response:
    headers = {} if refusal.retry_after_s is None else {"retry-after": str(refusal.retry_after_s)}
    return json_response({"error": refusal.code, "detail": refusal.detail}, refusal.status, headers)


def _http_error(request: Request, error: HTTPException) -> Response:
    known = {404: "not_found", 405: "method_not_allowed"}
    code = known.get(error.status_code, "bad_request")
    detail = f"{request.method} {request.url.path[:80]}: {error.detail}"
    return json_response(
        {"error": code, "detail": detail}, error.status_code, dict(error.headers or {})
    )


def _gone(_: Request, __: Exception) -> Response:
    """The client went away in the middle of its body; nobody reads this."""
    return Response(status_code=400)


def _failed(_: Request, __: Exception) -> Response:
    return json_response(
        {"error": "internal", "detail": "the collector failed on this request"}, 500
    )
