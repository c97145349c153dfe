"""What is read of profiles, events and counts."""

from typing import NamedTuple

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.traits import Trait

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
    """Counts of one metric; `by` is source, label or nothing, `source` None where all are meant.

    With `whole` all steps are one, which begins at from_ms.
    """

    by: str
    metric: str
    step_ms: int
    from_ms: int
    to_ms: int
    source: str | None
    most: int
    whole: bool = False


class CountRow(NamedTuple):
    """How often something happened in one step of time; `line` is a source, a label, the metric."""

    line: str
    start_ms: int
    happened: int


class FoundProfile(NamedTuple):
    """A profile's public id, and the key's kind or the trait, with the value, that found it."""

    profile: str
    name: str
    value: str


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
    """Which events a live view shows; None: all. `profile_id`: any of a profile's IDs."""

    source: str | None = None
    event_type: str | None = None
    profile_id: str | None = None


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
    client: str | None  # JSON object, of the newest of its newest 20 sessions that has one


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


class SessionRow(NamedTuple):
    """One session of a profile."""

    public_id: str
    source: str
    profile_id: str
    started_ms: int
    client: str | None  # JSON object
