"""Files that browsers load: the tracker, and the demo page where it is switched on."""

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TRACKER_CACHE = "public, max-age=86400"  # a day; then the ETag saves the bytes
FRESH = "no-cache"


def tracker_route() -> Route:
    """GET /t.js: the built tracker, for any page."""
    return Route("/t.js", _File("t.js", "text/javascript", TRACKER_CACHE, any_page=True).answer)


def demo_routes() -> list[Route]:
    """GET /demo: a page that includes the tracker, to see it work."""
    return [
        Route("/demo", _File("demo.html", "text/html", FRESH).answer),
        Route("/demo.js", _File("demo.js", "text/javascript", FRESH).answer),
    ]


class _File:
    """One of the package's static files, read once, served with an ETag (RFC 9110, 8.8.3)."""

    def __init__(self, name: str, media_type: str, cache: str, *, any_page: bool = False) -> None:
        self._body = (files("onetrail_collector") / "static" / name).read_bytes()
        self._media_type = media_type
        self._headers = {
            "etag": f'"{hashlib.sha256(self._body).hexdigest()[:32]}"',
            "cache-control": cache,
            "x-content-type-options": "nosniff",
        }
        if any_page:
            self._headers |= {
                "access-control-allow-origin": "*",
                "cross-origin-resource-policy": "cross-origin",
            }

    async def answer(self, request: Request) -> Response:
        known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
        if self._headers["etag"] in [tag.removeprefix("W/") for tag in known] or "*" in known:
            return Response(status_code=304, headers=self._headers)
        return Response(self._body, media_type=self._media_type, headers=self._headers)
