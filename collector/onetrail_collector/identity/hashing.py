"""Keys as HMAC-SHA256 under the operator's secret: the database alone reveals no address.

The same value has the same hash, so everything works as with clear values, look-ups by clear value
included. Without the secret nobody can try addresses against a hash (RFC 2104); with it anyone can,
so it is kept away from the database.
"""

import hmac
import re

MIN_SECRET_BYTES = 32
HASH = re.compile(r"hmac:[0-9a-f]{64}")


class KeyHasher:
    """Makes hashes under one secret; its repr does not show it."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def hash(self, kind: str, value: str) -> str:
        """`hmac:` and 64 hexadecimal digits, of `kind:value`."""
        return "hmac:" + hmac.digest(self._secret, f"{kind}:{value}".encode(), "sha256").hex()

    @property
    def fingerprint(self) -> str:
        """Tells one secret from another, and reveals none."""
        return self.hash("", "fingerprint of the secret")


def is_hash(value: str) -> bool:
    """Whether a value is one that KeyHasher.hash() made, as the API shows it."""
    return HASH.fullmatch(value) is not None
