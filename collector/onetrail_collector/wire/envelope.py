"""What every protocol is turned into on its way in, and what comes back: values, and no HTTP."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Event:
    """One event that has the right shape. Times are the client's own, in ms since 1970."""

    index: int  # its place in the request
    id: str  # a client's, or made here where it sent none
    type: str
    properties: str  # JSON object, as sent
    time_ms: int | None = None
    context: str | None = None  # JSON object, as sent
    session: str | None = None  # where it is not the batch's


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one event of a request was not stored."""

    index: int
    id: str | None
    error: str
    detail: str


@dataclass(frozen=True, slots=True)
class EventWarning:
    """An event was stored, but something in it will not do what its sender expects."""

    index: int
    id: str
    warning: str
    detail: str


@dataclass(slots=True)
class Envelope:
    """One request: a source, a session, and events in the order in which they happened."""

    source: str
    events: list[Event]
    session: str | None = None
    profile: str | None = None
    sent_at_ms: int | None = None
    context: str | None = None  # JSON object shared by the events
    origin: str | None = None  # the web page's, from the header of that name
    rejected: list[Rejection] = field(default_factory=list)


@dataclass(slots=True)
class Receipt:
    """What became of an Envelope; given only when all that it accepts is committed."""

    profile: str
    session: str
    accepted: int = 0
    duplicates: int = 0
    events: list[str] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    warnings: list[EventWarning] = field(default_factory=list)
