"""GET /ui and what is below it: pages from templates, their files, and the way in and out.

A page holds no data: its script reads the admin API in the name of who is signed in, and writes
what it finds as text. So nothing that a stranger has sent is ever part of the page's own HTML.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from urllib.parse import parse_qs, urlencode

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from onetrail_collector import pages
from onetrail_collector.auth import COOKIE, find_token, hash_token, is_own, require_token
from onetrail_collector.body import read_body
from onetrail_collector.errors import Refused

SIGNED_IN_S = 7 * 86_400
MAX_FIELDS = 4  # of the form
PAGES = {
    "": ("overview.html", "Overview"),
    "/live": ("live.html", "Live"),
    "/profiles": ("profiles.html", "Profiles"),
    "/sources": ("sources.html", "Sources"),
    "/identity": ("identity.html", "Identity"),
}
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

_BODIES = {
    entry.name: entry.read_bytes()
    for entry in (files("onetrail_collector") / "ui" / "static").iterdir()
    if entry.name.rpartition(".")[2] in TYPES
}
# A browser asks for each file once, and after an upgrade for the new ones, all of one version.
STATIC = f"/ui/static/{hashlib.sha256(b''.join(sorted(_BODIES.values()))).hexdigest()[:16]}"

_templates = Environment(
    loader=PackageLoader("onetrail_collector", "ui/templates"), autoescape=select_autoescape()
)


def ui_routes() -> list[Route]:
    """The pages, their static files, signing in and out."""
    return [
        *(Route(f"/ui{path}", _page(*page)) for path, page in PAGES.items()),
        Route("/ui/profiles/{profile_id}", _page("profile.html", "Profiles")),
        Route("/ui/sign-in", _sign_in, methods=["GET", "POST"]),
        Route("/ui/sign-out", _sign_out, methods=["POST"]),
        *(Route(f"{STATIC}/{name}", file.answer) for name, file in _static_files().items()),
    ]


def _page(template: str, title: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            caller = await require_token(request, request.state.store, "read")
        except Refused:
            return RedirectResponse("/ui/sign-in", 303)
        return _html(
            template,
            title=title,
            caller=caller.name,
            demo=request.state.settings.demo,
            first=_first_call(request.query_params),
        )

    return answer


def _first_call(shown: Mapping[str, str]) -> str:
    """What the overview's script asks at once: begun before the script is there."""
    asked = {"span": shown.get("span") or "day", "source": shown.get("source") or ""}
    return urlencode({name: value for name, value in asked.items() if value})


async def _sign_in(request: Request) -> Response:
    if request.method == "GET":
        return _html("sign-in.html", title="Sign in", wrong=False)
    token = await find_token(request, request.state.store, await _given_token(request))
    if token is None or not is_own(request.headers.get("origin"), request):
        return _html("sign-in.html", 401, title="Sign in", wrong=True)
    secret, now_ms = secrets.token_urlsafe(32), request.state.clock()
    await request.state.store.add_sign_in(
        hash_token(secret),
        token=token.sha256,
        expires_ms=now_ms + SIGNED_IN_S * 1000,
        now_ms=now_ms,
    )
    answer = RedirectResponse("/ui", 303)
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=SIGNED_IN_S,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


async def _given_token(request: Request) -> str:
    headers = dict(request.scope["headers"])
    body = await read_body(request.scope, headers, request.receive, request.state.room)
    try:
        form = parse_qs(body.decode("latin-1"), max_num_fields=MAX_FIELDS)
    except ValueError:
        return ""
    return form.get("token", [""])[0].strip()


async def _sign_out(request: Request) -> Response:
    if is_own(request.headers.get("origin"), request) and COOKIE in request.cookies:
        await request.state.store.remove_sign_in(hash_token(request.cookies[COOKIE]))
    answer = RedirectResponse("/ui/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _html(template: str, status: int = 200, /, **values: object) -> Response:
    text = _templates.get_template(template).render(static=STATIC, **values)
    return Response(text, status, HEADERS, media_type="text/html")


def _static_files() -> dict[str, pages.File]:
    return {
        name: pages.File(body, TYPES[name.rpartition(".")[2]], pages.FOR_EVER)
        for name, body in _BODIES.items()
    }
