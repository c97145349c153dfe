"""Admin tokens: made here, shown once, stored as a hash, compared in constant time."""

import hashlib
import hmac
import secrets
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request

from onetrail_collector.errors import unauthorized
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import Token

COOKIE = "onetrail_ui"


class Caller(NamedTuple):
    """Who makes a call of the admin API: the name of the token."""

    name: str


def new_token() -> str:
    """A secret of 256 random bits."""
    return f"ot_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> bytes:
    """What is stored of a token; it is random, so that a fast hash is safe."""
    return hashlib.sha256(token.encode()).digest()


async def require_token(request: Request, store: Store, scope: str) -> Caller:  # noqa: ARG001
    """Raises Refused (401) unless a valid token comes along, or a page where one was signed in."""
    if "authorization" not in request.headers and COOKIE in request.cookies:
        return await _signed_in(request, store)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    known = await find_token(store, token.strip())
    if scheme.lower() != "bearer" or known is None:
        raise unauthorized()
    return Caller(known.name)


async def find_token(store: Store, token: str) -> Token | None:
    """The stored token that this one is, if it is one; takes as long where it is none."""
    presented = hash_token(token)
    valid = [t for t in await store.tokens() if hmac.compare_digest(presented, t.sha256)]
    return valid[0] if valid else None


async def _signed_in(request: Request, store: Store) -> Caller:
    """Who is signed in. A page of another site can change nothing in their name (CSRF)."""
    secret = hash_token(request.cookies[COOKIE])
    token = await store.find_sign_in(secret, now_ms=request.state.clock())
    if token is None:
        raise unauthorized()
    origin = request.headers.get("origin")
    if request.method not in {"GET", "HEAD"} and not is_own(origin, request):
        raise unauthorized()
    return Caller(token.name)


def is_own(origin: str | None, request: Request) -> bool:
    """Whether a request was made by one of the collector's own pages (RFC 6454)."""
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
