"""For machines that watch this one: is it alive, can it commit, what does it do?"""

from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onetrail_collector.api.operation import json_response
from onetrail_collector.auth import require_token
from onetrail_collector.errors import not_ready


def routes() -> list[Route]:
    """GET /healthz, /readyz and /metrics."""
    return [
        Route("/healthz", _healthz),
        Route("/readyz", _readyz),
        Route("/metrics", _metrics),
    ]


async def _healthz(_: Request) -> Response:
    """Alive: it answers."""
    return json_response({"status": "ok"})


async def _readyz(request: Request) -> Response:
    """Ready: it can commit now."""
    reason = await request.state.readiness.reason()
    if reason is not None:
        raise not_ready(reason)
    return json_response({"status": "ready"})


async def _metrics(request: Request) -> Response:
    """Prometheus' text format, or OpenMetrics where it asks for that."""
    state = request.state
    if not state.settings.metrics.public:
        await require_token(request, state.store, "read")
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(state.metrics.registry), headers={"content-type": content_type})
