"""Secrets: admin tokens and sources' own. Made here, shown once, stored as a hash.

They are 256 random bits, so that a fast hash is safe, and are compared in constant time.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request

from onetrail_collector.address import limit_key
from onetrail_collector.errors import forbidden, rate_limited, unauthorized
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import Token

COOKIE = "onetrail_ui"

SCOPES = ("read", "write", "erase")


class Caller(NamedTuple):
    """Who makes a call of the admin API: the name of the token, and what it opens."""

    name: str
    scopes: frozenset[str] = frozenset()


def new_token() -> str:
    """An admin token."""
    return f"ot_{secrets.token_urlsafe(32)}"


def new_source_secret() -> str:
    """A source's secret; its first letters tell it from a token."""
    return f"ots_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> bytes:
    """What is stored of a token or a secret."""
    return hashlib.sha256(token.encode()).digest()


def presented_secret(authorization: bytes) -> bytes | None:
    """The hash of the secret in a header Authorization: a Bearer's token, a Basic's password.

    RFC 6750, section 2.1, and RFC 7617; None where it holds neither.
    """
    scheme, _, credentials = authorization.partition(b" ")
    secret = credentials.strip()
    if scheme.lower() == b"basic":
        try:
            secret = base64.b64decode(secret, validate=True).partition(b":")[2]
        except binascii.Error:
            return None
    elif scheme.lower() != b"bearer":
        return None
    return hashlib.sha256(secret).digest() if secret else None


async def require_token(request: Request, store: Store, scope: str) -> Caller:
    """Who calls: by the header Authorization, or by a page where somebody signed in.

    Raises Refused: 401 without a valid token, 403 where it lacks the scope, 429 where too many
    wrong ones came from this address.
    """
    if "authorization" not in request.headers and COOKIE in request.cookies:
        known: Token | None = await _signed_in(request, store)
    else:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_token = scheme.lower() == "bearer" and token.strip()
        known = await find_token(request, store, token.strip()) if is_token else None
    if known is None:
        raise unauthorized()
    if scope not in known.scopes:
        raise forbidden(known.name, scope, known.scopes)
    return Caller(known.name, known.scopes)


async def find_token(request: Request, store: Store, token: str) -> Token | None:
    """The stored token that this one is, if it is one; takes as long where it is none.

    An address from which too many wrong ones came may not even try a right one: Refused (429).
    """
    failures = request.state.failures
    address = limit_key(request.client.host) if request.client else ""
    wait_s = failures.wait_s(address, time.monotonic())
    if wait_s:
        raise rate_limited(
            f"too many wrong tokens came from this address; wait {wait_s} s", retry_after_s=wait_s
        )
    presented = hash_token(token)
    valid = [t for t in await store.tokens() if hmac.compare_digest(presented, t.sha256)]
    if not valid:
        failures.take(address, time.monotonic())
        return None
    return valid[0]


async def _signed_in(request: Request, store: Store) -> Token | None:
    """With which token. A page of another site can change nothing in their name (CSRF)."""
    secret = hash_token(request.cookies[COOKIE])
    token = await store.find_sign_in(secret, now_ms=request.state.clock())
    origin = request.headers.get("origin")
    if request.method not in {"GET", "HEAD"} and not is_own(origin, request):
        return None
    return token


def is_own(origin: str | None, request: Request) -> bool:
    """Whether a request was made by one of the collector's own pages (RFC 6454)."""
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
