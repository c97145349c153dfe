"""What goes into the store and comes out of it, as plain values."""

from dataclasses import dataclass, field
from typing import NamedTuple

from onetrail_collector.identity.decisions import Decision
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.identity.suppression import Trace
from onetrail_collector.identity.traits import Trait


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


class Token(NamedTuple):
    """An admin token: what it is called, its SHA-256, and what it opens: read, write, erase."""

    name: str
    sha256: bytes
    scopes: frozenset[str] = frozenset()
    created_ms: int = 0


class ProfileId(NamedTuple):
    """A profile ID that the collector has issued."""

    id: int
    public_id: str


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
    events: dict[int, dict[str, Session]] = field(default_factory=dict)  # source -> event id
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

# A row of events: source, event id, type, profile ID, session, time_ms, received_ms, properties,
# context, context_id, skew_ms, ahead_ms. A plain tuple, because one is made for each event.
NewEvent = tuple[
    int, str, str, int, int, int, int, str, str | None, int | None, int | None, int | None
]


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
    bytes: int


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


# What a commit adds to one count: metric, time_ms, source, label, how many.
Tally = tuple[str, int, int, str, int]


class PageView(NamedTuple):
    """What is needed of an event to count its page; properties is JSON text."""

    source: int
    time_ms: int
    properties: str


class PageViews(NamedTuple):
    """The page views among the events after `first` up to `last`."""

    views: list[PageView]
    first: int
    last: int


OTHER = "(other)"  # the label of all that are too rare for one of their own


class CountsAsked(NamedTuple):
    """Counts of one metric; `by` is source, label or nothing, `source` None where all are meant."""

    by: str
    metric: str
    step_ms: int
    from_ms: int
    to_ms: int
    source: str | None
    most: int


class CountRow(NamedTuple):
    """How often something happened in one step of time; `line` is a source, a label, the metric."""

    line: str
    start_ms: int
    happened: int


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
    events: list[NewEvent] = field(default_factory=list)
    links: list[SourcedLink] = field(default_factory=list)
    traits: list[Trait] = field(default_factory=list)
    quarantine: list[NewQuarantined] = field(default_factory=list)
    skews_ms: list[int] = field(default_factory=list)  # of the devices whose sessions begin
    clamped: int = 0  # events from the future
    devices: dict[tuple[int, str], NewDeviceKey] = field(default_factory=dict)
    blocked: list[tuple[Key, int]] = field(default_factory=list)  # a list's entry, when it was met
    dropped_links: list[tuple[int, Key]] = field(default_factory=list)
    """Set by the write: links that were counted and not kept, as their profile ID has too many."""


class BlockedValue(NamedTuple):
    """An entry of a kind's list of blocked values, and how often and when a value met it."""

    kind: str
    entry: str
    times: int
    first_seen_ms: int
    last_seen_ms: int


@dataclass(slots=True)
class ImportedRows:
    """What a batch of an imported table adds, as rows of three tables."""

    profile_ids: list[tuple[int, str, int, int, int]] = field(default_factory=list)
    """number, public id, source, issued_ms, and the number again: a profile of its own"""
    keys: list[tuple[int, str, str, int | None]] = field(default_factory=list)
    """number, kind, value, and the profile ID whose profile holds it, where nothing can forbid"""
    links: list[tuple[int, int, str, int, int]] = field(default_factory=list)
    """profile ID, key, event id, source, time_ms"""
    perhaps: list[tuple[int, int, str, int, int]] = field(default_factory=list)
    """likewise, links that may be there already, or that may conflict"""


class LinkState(NamedTuple):
    """A link as it is stored, with what both its ends belong to.

    profile and key_profile are numbers of profiles; key_profile is None where no accepted link
    leads to the key. Why it joins nobody is `inactive or refused`. seen_on, on how many profile IDs
    the key is seen, is counted only as far as was asked, and not where the key is inactive.
    """

    link: Link
    key: int
    profile: int
    key_profile: int | None
    refused: str | None
    inactive: str | None = None
    seen_on: int = 0


class KeyState(NamedTuple):
    """A key as it is stored; `refused`: by a decision. seen_on is counted as far as was asked."""

    id: int
    key: Key
    inactive: str | None
    profile: int | None
    refused: bool
    seen_on: int


class ProfileSize(NamedTuple):
    """A profile's oldest profile ID, and how many it has, counted as far as matters."""

    oldest: int
    profile_ids: int


class DecisionRow(NamedTuple):
    """One decision with who, why and when; the undone_ fields are None while it holds."""

    id: int
    decision: Decision
    reason: str
    made_by: str
    made_ms: int
    undone_reason: str | None
    undone_by: str | None
    undone_ms: int | None


class FoundProfile(NamedTuple):
    """A profile's public id, and the key's kind or the trait, with the value, that found it."""

    profile: str
    name: str
    value: str


class Change(NamedTuple):
    """A row of history; store/migrations/0001_first.sql says what each `what` means."""

    what: str
    profile: int
    other: int
    key: int | None = None
    reason: str | None = None
    event_id: str | None = None
    decision: int | None = None


@dataclass(slots=True)
class Region:
    """Some whole profiles, each with all its profile IDs and keys, and the links between them.

    Links to inactive keys are not in it. A key's profile is None where no accepted link leads to
    it.
    """

    profiles: dict[int, int] = field(default_factory=dict)  # profile ID -> number of its profile
    keys: dict[int, int | None] = field(default_factory=dict)  # key -> number of its profile
    links: dict[tuple[int, int], LinkState] = field(default_factory=dict)  # (profile ID, key)
    free: int = -1  # a number of no profile, as are all below it


@dataclass(slots=True)
class Regrouping:
    """What must be written so that a region is stored as it is now resolved."""

    profiles: dict[int, int] = field(default_factory=dict)  # profile ID -> number of its profile
    keys: dict[int, int | None] = field(default_factory=dict)
    refused: dict[tuple[int, int], str | None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)


class StoredEvent(NamedTuple):
    """One event as it is read; JSON is text, as it was sent."""

    id: str
    type: str
    time_ms: int
    received_ms: int
    properties: str
    context: str | None  # the event's own
    shared_context: str | None  # its batch's
    profile_id: str
    session: str
    source: str
    skew_ms: int | None = None
    ahead_ms: int | None = None


class LiveFilter(NamedTuple):
    """Which events a live view shows; None: all. `profile` is the number of its oldest ID."""

    source: str | None = None
    event_type: str | None = None
    profile: int | None = None


class LiveEvent(NamedTuple):
    """An event and its number in the order of commits."""

    number: int
    event: StoredEvent


class EventsPage(NamedTuple):
    """Some events of a profile, the newest first, and where the next page begins."""

    events: list[StoredEvent]
    next: tuple[int, int] | None  # (time_ms, number) of the last event here


class ProfileIdRow(NamedTuple):
    """One profile ID of a profile, and what happened under it."""

    id: int
    public_id: str
    source: str
    issued_ms: int
    first_seen_ms: int | None
    last_seen_ms: int | None
    events: int
    sessions: int


class LinkRow(NamedTuple):
    """Why a profile ID belongs to a profile, or why a key does not join it to others."""

    key: Key
    profile_id: str
    time_ms: int
    event_id: str
    source: str
    refused: str | None


class ProfileRows(NamedTuple):
    """What is stored about a profile, but its events; the oldest profile ID first.

    `names` are the public ids of the profile IDs that traits are of.
    """

    profile_ids: list[ProfileIdRow]
    links: list[LinkRow]
    traits: list[Trait]
    names: dict[int, str]


class Counts(NamedTuple):
    """How many rows of each kind there are."""

    events: int
    sessions: int
    profiles: int
    profile_ids: int


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


class SessionRow(NamedTuple):
    """One session of a profile."""

    public_id: str
    source: str
    profile_id: str
    started_ms: int
    client: str | None  # JSON object
