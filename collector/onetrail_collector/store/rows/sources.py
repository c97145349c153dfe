"""Who may send, who may read, and which values were met that name nobody."""

from typing import NamedTuple


class Source(NamedTuple):
    """One app or site that may send events."""

    id: int
    public_id: str
    name: str
    origins: tuple[str, ...]
    enabled: bool
    created_ms: int
    kind: str = "web"
    events_per_second: int | None = None  # None: the limit that the configuration sets
    secret_sha256: bytes | None = None  # where it takes events only with a secret
    signing_secret: str | None = None
    require_signature: bool = False  # keys link only where its server has signed them
    static_ids: bool = False  # a profile ID that it makes itself is taken as it is


class Token(NamedTuple):
    """An admin token: what it is called, its SHA-256, and what it opens: read, write, erase."""

    name: str
    sha256: bytes
    scopes: frozenset[str] = frozenset()
    created_ms: int = 0


class BlockedValue(NamedTuple):
    """An entry of a kind's list of blocked values, and how often and when a value met it."""

    kind: str
    entry: str
    times: int
    first_seen_ms: int
    last_seen_ms: int
