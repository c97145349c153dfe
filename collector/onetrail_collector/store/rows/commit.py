"""What a commit asks of the past, what it then knows, and what it adds."""

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.identity.suppression import Trace
from onetrail_collector.identity.traits import Trait
from onetrail_collector.store.rows.sources import Source

_numbers = msgspec.json.Decoder(list[int])


class ProfileId(NamedTuple):
    """A profile ID that the collector has issued.

    handed_from: where its device changed hands, as a JSON list the numbers of those before.
    """

    id: int
    public_id: str
    handed_from: str | None = None

    @property
    def before(self) -> list[int]:
        """From whom its device came to it, the last first."""
        return [] if self.handed_from is None else _numbers.decode(self.handed_from)


class Session(NamedTuple):
    """A known session and the profile ID under which it goes on."""

    id: int
    public_id: str
    profile_id: ProfileId


class DeviceKey(NamedTuple):
    """A device that its client names itself, and where its events go.

    session: the present one's public id, where its client names none; its last event was then.
    """

    profile_id: ProfileId
    session: str | None
    last_ms: int


@dataclass(slots=True)
class Question:
    """What a commit must know of the past before it can decide anything."""

    sessions: dict[str, list[str]] = field(default_factory=dict)  # by source, public ids
    events: dict[str, list[str]] = field(default_factory=dict)  # by source, event ids
    profile_ids: set[str] = field(default_factory=set)
    contexts: dict[str, str] = field(default_factory=dict)  # body -> SHA-256, hexadecimal
    devices: dict[str, list[str]] = field(default_factory=dict)  # by source, what clients call them


@dataclass(slots=True)
class Known:
    """The answer to a Question, and the highest numbers in use."""

    sources: dict[str, Source] = field(default_factory=dict)
    sessions: dict[tuple[int, str], Session] = field(default_factory=dict)
    profile_ids: dict[str, ProfileId] = field(default_factory=dict)
    events: dict[int, dict[str, Session]] = field(default_factory=dict)
    """By source and event id, its session with the profile ID that the event has: `sessions` says
    under which that session goes on."""
    exclusive: dict[int, dict[str, str]] = field(
        default_factory=dict
    )  # profile ID -> kind -> value
    contexts: dict[str, int] = field(default_factory=dict)  # body -> number
    devices: dict[tuple[int, str], DeviceKey] = field(default_factory=dict)  # by source
    last_profile_id: int = 0
    last_session: int = 0
    last_context: int = 0
    salt: bytes | None = None  # of marks; None where nobody was ever erased
    erased: frozenset[Trace] = frozenset()  # of what these requests may bring back


class NewProfileId(NamedTuple):
    """A row of profile_ids; at first it is a profile of its own."""

    id: int
    public_id: str
    source: int
    issued_ms: int
    profile: int
    handed_from: str | None = None


class NewSession(NamedTuple):
    """A row of sessions."""

    id: int
    source: int
    public_id: str
    profile_id: int
    started_ms: int
    client: str | None = None


class NewContext(NamedTuple):
    """A row of contexts: what the events of one batch share."""

    id: int
    sha256: str
    body: str


# A row of device_keys: source, value, profile ID, session, last_ms.
NewDeviceKey = tuple[int, str, int, int | None, int]


# The values of new events, these of each one after those of the one before: rows would only be
# made to be taken apart again, and there is one for each event.
EVENT_COLUMNS = (
    "source",
    "event_id",
    "type",
    "profile_id",
    "session",
    "time_ms",
    "received_ms",
    "properties",
    "context",
    "context_id",
    "skew_ms",
    "ahead_ms",
)
EventValues = list[int | str | None]


class NewQuarantined(NamedTuple):
    """A row of quarantine: one event that was refused."""

    source: int
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
    anonymous: bool
    bytes: int


class SourcedLink(NamedTuple):
    """A link and the source whose event is its evidence."""

    link: Link
    source: int


@dataclass(slots=True)
class Writes:
    """All that one commit adds."""

    profile_ids: list[NewProfileId] = field(default_factory=list)
    sessions: list[NewSession] = field(default_factory=list)
    moved_sessions: dict[int, int] = field(default_factory=dict)  # session -> its new profile ID
    contexts: list[NewContext] = field(default_factory=list)
    events: EventValues = field(default_factory=list)
    links: list[SourcedLink] = field(default_factory=list)
    traits: list[Trait] = field(default_factory=list)
    quarantine: list[NewQuarantined] = field(default_factory=list)
    skews_ms: list[int] = field(default_factory=list)  # of the devices whose sessions begin
    clamped: int = 0  # events from the future
    devices: dict[tuple[int, str], NewDeviceKey] = field(default_factory=dict)
    blocked: list[tuple[Key, int]] = field(default_factory=list)  # a list's entry, when it was met
    dropped_links: list[tuple[int, Key]] = field(default_factory=list)
    """Set by the write: links that were counted and not kept, as their profile ID has too many."""
