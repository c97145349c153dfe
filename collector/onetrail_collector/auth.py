"""Secrets: admin tokens and sources' own. Made here, shown once, stored as a hash.

They are 256 random bits, so that a fast hash is safe, and are compared in constant time.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import NamedTuple

from starlette.requests import Request

from onetrail_collector.address import limit_key
from onetrail_collector.buckets import Buckets
from onetrail_collector.errors import forbidden, rate_limited, unauthorized
from onetrail_collector.store.protocol import Store

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


async def require_token(
    request: Request, store: Store, scope: str, failures: Buckets, now_s: float
) -> Caller:
    """Who calls, by the header Authorization. Raises Refused.

    401: no valid token; 403: it lacks the scope; 429: too many wrong ones came from this address,
    which until it has waited may not even try a right one.
    """
    address = limit_key(request.client.host) if request.client else ""
    wait_s = failures.wait_s(address, now_s)
    if wait_s:
        raise rate_limited(
            f"too many wrong tokens came from this address; wait {wait_s} s", retry_after_s=wait_s
        )
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized()
    presented = hash_token(token.strip())
    matching = [
        known for known in await store.tokens() if hmac.compare_digest(presented, known.sha256)
    ]
    if not matching:
        failures.take(address, now_s)
        raise unauthorized()
    [known] = matching
    if scope not in known.scopes:
        raise forbidden(known.name, scope, known.scopes)
    return Caller(known.name, known.scopes)
