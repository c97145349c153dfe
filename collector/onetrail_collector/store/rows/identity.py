"""What identity resolution and imports read and write."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from onetrail_collector.identity.components import PlainLink
from onetrail_collector.identity.decisions import Decision
from onetrail_collector.identity.keys import Key, PlainKey
from onetrail_collector.identity.resolve import Link


@dataclass(slots=True)
class ImportedRows:
    """What a batch of an imported table adds: the values of many rows stand in one list."""

    profile_ids: list[Any] = field(default_factory=list)
    """of each row number, public id, source, issued_ms, and the number again: its own profile"""
    links: list[Any] = field(default_factory=list)
    """of each row profile ID, key, event id, source, time_ms"""
    perhaps: list[tuple[int, int, str, int, int]] = field(default_factory=list)
    """likewise in rows, links that may be there already, or that may conflict"""
    released: list[tuple[int]] = field(default_factory=list)
    """numbers of keys that were added as held, and are not: such a link is to decide that"""


Moment = tuple[int, str]
"""time_ms and event id, by which evidence of one kind of key is in order."""


class KnownKey(NamedTuple):
    """A key that is stored: its number, and the oldest imported profile ID linked to it, if any."""

    id: int
    imported: int | None


class LinkState(NamedTuple):
    """A link as it is stored, with what both its ends belong to.

    profile and key_profile are numbers of profiles; key_profile is None where no accepted link
    leads to the key. Why it joins nobody is `inactive or refused`.
    """

    link: Link
    key: int
    profile: int
    key_profile: int | None
    refused: str | None
    inactive: str | None = None


class KeyState(NamedTuple):
    """A key as it is stored; `refused`: by a decision. seen_on is counted as far as was asked."""

    id: int
    key: Key
    inactive: str | None
    profile: int | None
    refused: bool
    seen_on: int


class ProfileSize(NamedTuple):
    """A profile's oldest profile ID, and how many it has, counted as far as matters.

    Both are 0 where only keys carry its number, which the background is about to give another one.
    """

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


ChangeCause = Literal["event", "decision", "undo", "policy", "erasure", "export", "background"]
"""Why a profile changed; store/migrations/0001_first.sql says what each means."""


class Change(NamedTuple):
    """A row of history; store/migrations/0001_first.sql says what each `what` means."""

    what: str
    profile: int
    other: int
    key: int | None = None
    reason: str | None = None
    event_id: str | None = None
    decision: int | None = None
    made_by: str | None = None  # of an export; that of a decision stands there


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
class LargeRegion:
    """A Region beyond which nothing hangs together with it, and which may be of millions.

    Each key is there once, and all of plain tuples: that takes half the memory, and the garbage
    collector has nothing to look at.
    """

    profiles: dict[int, int] = field(default_factory=dict)  # as of a Region
    keys: dict[int, int | None] = field(default_factory=dict)
    values: dict[int, PlainKey] = field(default_factory=dict)  # of each key
    links: list[PlainLink] = field(default_factory=list)
    refused: dict[tuple[int, int], str] = field(default_factory=dict)  # (profile ID, key)
    decisions: dict[int, Decision] = field(default_factory=dict)  # by number
    free: int = -1


@dataclass(slots=True)
class Regrouping:
    """What must be written so that a region is stored as it is now resolved."""

    profiles: dict[int, int] = field(default_factory=dict)  # profile ID -> number of its profile
    keys: dict[int, int | None] = field(default_factory=dict)
    refused: dict[tuple[int, int], str | None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
