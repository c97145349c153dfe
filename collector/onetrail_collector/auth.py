"""Admin tokens: made here, shown once, stored as a hash, compared in constant time."""

import hashlib
import hmac
import secrets

from starlette.requests import Request

from onetrail_collector.errors import unauthorized
from onetrail_collector.store.protocol import Store


def new_token() -> str:
    """A secret of 256 random bits."""
    return f"ot_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> bytes:
    """What is stored of a token; it is random, so that a fast hash is safe."""
    return hashlib.sha256(token.encode()).digest()


async def require_admin(request: Request, store: Store) -> None:
    """Raises Refused (401) unless the header Authorization holds a token that is valid."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    presented = hash_token(token.strip())
    valid = [hmac.compare_digest(presented, known) for known in await store.token_hashes()]
    if scheme.lower() != "bearer" or not any(valid):
        raise unauthorized()
