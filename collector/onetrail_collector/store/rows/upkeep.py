"""What retention, erasures and the quarantine of refused events read."""

from typing import NamedTuple


class Quarantined(NamedTuple):
    """One event that was refused, and all that is needed to bring it again."""

    id: int
    source: str
    event_id: str | None
    received_ms: int
    code: str
    detail: str
    session: str | None
    profile_id: str | None
    sent_at_ms: int | None
    context: str | None
    event: str
    cut: bool
    protocol: str
    anonymous: bool  # its sender wanted nothing of it to say who somebody is


class EventAge(NamedTuple):
    """An event's number, its source, and when it arrived."""

    id: int
    source: int
    received_ms: int


class Referred(NamedTuple):
    """What some events refer to, and the last of them; None where there were none."""

    last: int | None
    sessions: list[int]
    contexts: list[int]


class Leaving(NamedTuple):
    """How many rows went, and where to go on; None at the end of the table."""

    gone: int
    next: int | None


class Removal(NamedTuple):
    """How much an erasure would remove."""

    profile_ids: list[str]
    sessions: int
    events: int
    traits: int
    links: int
    keys: int
    quarantined: int


class Erasure(NamedTuple):
    """The receipt of an erasure: how much of each went, and nothing about the person."""

    id: int
    public_id: str
    made_by: str
    reason: str
    begun_ms: int
    done_ms: int | None  # None: under way
    profile_ids: int
    sessions: int
    events: int
    traits: int
    links: int
    keys: int
    contexts: int
    quarantined: int
    lifted_ms: int | None  # None: they are suppressed
    lifted_by: str | None
