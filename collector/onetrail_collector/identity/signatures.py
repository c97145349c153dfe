"""Signed identity: the site's server says which key its visitor may use; a stranger cannot.

A signature is HMAC-SHA256 of `kind:value`, exactly as the event carries the value, under the
source's secret, in hexadecimal. One kind: a text; several: an object {kind: signature}.
"""

import hmac
from collections.abc import Mapping


def sign(secret: str, kind: str, value: str) -> str:
    """What the site's server computes."""
    return hmac.digest(secret.encode(), f"{kind}:{value}".encode(), "sha256").hex()


def is_signed(secret: str, kind: str, value: str, signature: object) -> bool:
    """Whether the event's signature holds for this value; takes as long if it does not."""
    given = signature.get(kind) if isinstance(signature, Mapping) else signature
    if not secret or not isinstance(given, str):
        return False
    expected = sign(secret, kind, value)
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode())
