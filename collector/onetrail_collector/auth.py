"""Admin tokens: made here, shown once, stored as a hash, compared in constant time."""

import hashlib
import hmac
import secrets
from typing import NamedTuple

from starlette.requests import Request

from onetrail_collector.errors import unauthorized
from onetrail_collector.store.protocol import Store


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
    """Raises Refused (401) unless the header Authorization holds a token that is valid."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    presented = hash_token(token.strip())
    valid = [
        known.name for known in await store.tokens() if hmac.compare_digest(presented, known.sha256)
    ]
    if scheme.lower() != "bearer" or not valid:
        raise unauthorized()
    return Caller(valid[0])
