"""What people read about identity resolution, as plain values; ids are public where not said."""

from typing import NamedTuple

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.rows import ChangeCause


class Member(NamedTuple):
    """A profile ID: its number, its public id, and the number of the profile that holds it."""

    id: int
    public_id: str
    profile: int


class Place(NamedTuple):
    """A link by the numbers of its ends."""

    profile_id: int
    key: int


class Evidence(NamedTuple):
    """A link with all that a person wants to know of it; `refused`: why it joins nobody."""

    place: Place
    profile_id: str
    profile: int  # number of the profile that holds the profile ID
    key: Key
    key_profile: int | None  # likewise of the key; None where nobody holds it
    time_ms: int
    event_id: str
    source: str
    refused: str | None


class ProfileExtent(NamedTuple):
    """How many profile IDs a profile has, and how many links those have."""

    profile_ids: int
    links: int


class DecisionMade(NamedTuple):
    """A decision with who, why and when; `act` is shared by all that were made at once."""

    id: int
    act: int
    what: str
    profile_id: str | None
    other: str | None
    key: Key | None
    reason: str
    made_by: str
    made_ms: int
    undone_reason: str | None
    undone_by: str | None
    undone_ms: int | None


class HistoryRow(NamedTuple):
    """What became of a profile, and by what; store/migrations/0001_first.sql says each."""

    id: int
    time_ms: int
    what: str
    profile: str
    other: str
    key: Key | None
    refused: str | None
    cause: ChangeCause
    event_id: str | None
    decision: int | None
    made_by: str | None
    reason: str | None


class InactiveKey(NamedTuple):
    """A key that joins nobody, whoever uses it, and on how many profile IDs it is seen."""

    id: int
    key: Key
    profile_ids: int


class RecentSession(NamedTuple):
    """A session of a profile."""

    id: str
    source: str
    profile_id: str
    started_ms: int
    client: str | None  # JSON object


class ProfileTotals(NamedTuple):
    """How much there is of a profile, counted as far as was asked, and from when to when."""

    profile_ids: int
    links: int
    events: int
    sessions: int
    first_seen_ms: int | None
    last_seen_ms: int | None
