"""Files that browsers load: the tracker, and the demo page where it is switched on."""

import base64
import gzip
import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

A_DAY = "public, max-age=86400"  # then the ETag saves the bytes
FOR_EVER = "public, max-age=31536000, immutable"
FRESH = "no-cache"
PAGE_POLICY = (  # W3C CSP 3: what a page of the collector's own may load, and who may frame it
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def tracker_routes() -> list[Route]:
    """GET /t.js, the built tracker, and what it loads; GET /t.<hash>.js, which never changes."""
    pinned = File(_read("t.js"), "text/javascript", FOR_EVER, any_page=True)
    return [
        *(
            Route(f"/{name}", File(_read(name), "text/javascript", A_DAY, any_page=True).answer)
            for name in ("t.js", "t-more.js", "t-vitals.js")
        ),
        Route(f"/{pinned_name()}", pinned.answer),
    ]


def demo_routes() -> list[Route]:
    """GET /demo: a page that includes the tracker, to see it work."""
    return [
        Route("/demo", File(_read("demo.html"), "text/html", FRESH, policy=PAGE_POLICY).answer),
        Route("/demo.js", File(_read("demo.js"), "text/javascript", FRESH).answer),
    ]


def pinned_name() -> str:
    """The name under which this very tracker is served, and no other ever will be."""
    return f"t.{hashlib.sha256(_read('t.js')).hexdigest()[:12]}.js"


def integrity() -> str:
    """What a page says of the tracker so that the browser runs no other (W3C SRI)."""
    digest = hashlib.sha384(_read("t.js")).digest()
    return f"sha384-{base64.b64encode(digest).decode()}"


def _read(name: str) -> bytes:
    return (files("onetrail_collector") / "static" / name).read_bytes()


class File:
    """A static file in memory, served with an ETag (RFC 9110, 8.8.3)."""

    def __init__(
        self,
        body: bytes,
        media_type: str,
        cache: str,
        *,
        any_page: bool = False,
        policy: str | None = None,
    ) -> None:
        self._body = body
        self._packed = gzip.compress(body, mtime=0)
        self._media_type = media_type
        self._headers = {
            "etag": f'W/"{hashlib.sha256(self._body).hexdigest()[:32]}"',  # weak: packed or not
            "cache-control": cache,
            "vary": "accept-encoding",
        }
        if policy is not None:
            self._headers["content-security-policy"] = policy
        if any_page:
            self._headers |= {
                "access-control-allow-origin": "*",
                "cross-origin-resource-policy": "cross-origin",
            }

    async def answer(self, request: Request) -> Response:
        """The file, or 304 where the browser has it."""
        known = [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]
        if self._headers["etag"] in known or "*" in known:
            return Response(status_code=304, headers=self._headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers = self._headers | {"content-encoding": "gzip"}
            return Response(self._packed, media_type=self._media_type, headers=headers)
        return Response(self._body, media_type=self._media_type, headers=self._headers)
