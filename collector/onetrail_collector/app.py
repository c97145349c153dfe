"""The collector as an ASGI application: the route table, and how errors are answered."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from onetrail_collector import endpoint, error_page, health, pages
from onetrail_collector.api import (
    blocked,
    debug,
    dry_run,
    identity,
    live,
    openapi,
    overview,
    privacy,
    profiles,
    search,
    series,
    sources,
    status,
)
from onetrail_collector.api.operation import json_response
from onetrail_collector.api.operation import routes as operation_routes
from onetrail_collector.body import Disconnected
from onetrail_collector.clock import Clock, system_clock
from onetrail_collector.errors import Refused
from onetrail_collector.metrics import Metrics
from onetrail_collector.parts import running
from onetrail_collector.settings import Settings
from onetrail_collector.ui.routes import ui_routes
from onetrail_collector.wire import track
from onetrail_collector.wire.protocols import EXCHANGES


class Collector(Starlette):
    """Starlette, and past its layers a straight way to the routes that events take.

    It leaves out what they have no use for (matching, layers of middleware, pages of errors): a
    fifth of what a request of one event costs.
    """

    ways_in: Mapping[tuple[str, str], ASGIApp]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # type: ignore[override]
        """Answer one request, or live as long as the server does."""
        way_in = self.ways_in.get((scope.get("method", ""), scope.get("path", "")))
        if way_in is not None:
            return way_in(scope, receive, send)
        if scope.get("path", "").startswith("//"):  # the client was given an address with a slash
            scope["path"] = "/" + scope["path"].lstrip("/")  # the log reads the same scope
            return self(scope, receive, send)
        return super().__call__(scope, receive, send)


OPERATIONS = (
    *identity.OPERATIONS,
    *search.OPERATIONS,  # before GET /profiles/{profile_id}
    *profiles.OPERATIONS,
    *overview.OPERATIONS,
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
) -> Collector:
    """The application. The store opens when it starts and closes, drained, when it stops.

    `config` is the file that the settings are from, where one was named; `stopping` says whether
    streams must end, so that the server can.
    """
    metrics = Metrics()
    metrics.watch_file(settings.db)

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
    app = Collector(
        routes=routes,
        lifespan=lambda _: running(settings, clock, metrics, config=config, stopping=stopping),
        exception_handlers=handlers,  # type: ignore[arg-type]
    )
    app.ways_in = endpoint.ways_in(EXCHANGES)
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
