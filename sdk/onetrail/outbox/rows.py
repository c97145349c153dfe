"""What the outbox holds: sessions, and events that wait."""

from __future__ import annotations

from typing import NamedTuple


class Session(NamedTuple):
    """One session of one holder in one process."""

    id: str
    holder: str
    boot: str
    context: str
    """JSON, as it goes into the request."""


class Event(NamedTuple):
    """An event as it is tracked."""

    id: str
    type: str
    wall_ms: int
    mono_ms: int
    """Both clocks when it was tracked."""
    ago_ms: int
    """How long before that it happened; 0 but for imports."""
    properties: str
    """JSON, as it goes into the request."""


class Waiting(NamedTuple):
    """An event that waits to be acknowledged."""

    seq: int
    session: int
    id: str
    type: str
    wall_ms: int
    mono_ms: int
    ago_ms: int
    properties: str


class Aside(NamedTuple):
    """An event that the collector will not take, and why."""

    id: str
    type: str
    reason: str
    properties: str
