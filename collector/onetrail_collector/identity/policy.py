"""The policy: which kinds of key there are, and where in events they are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from onetrail_collector.identity.hashing import KeyHasher, is_hash
from onetrail_collector.identity.keys import BUILT_IN_KINDS, Key, Kind, PlainKey, normalise
from onetrail_collector.identity.points import BUILT_IN_POINTS, IdentificationPoint

K = TypeVar("K", bound=PlainKey)


@dataclass(frozen=True, slots=True)
class Policy:
    """Kinds by name, identification points by event type, and the region of bare phone numbers.

    phone_region is an ISO 3166-1 alpha-2 code ("CH"); None takes only numbers with a country code.
    hasher makes the form in which keys are stored; None stores them clear.
    """

    kinds: Mapping[str, Kind] = field(default_factory=lambda: {k.name: k for k in BUILT_IN_KINDS})
    points: Mapping[str, Sequence[IdentificationPoint]] = field(
        default_factory=lambda: by_event_type(BUILT_IN_POINTS)
    )
    phone_region: str | None = None
    hasher: KeyHasher | None = field(default=None, repr=False)

    def keys(self, kind: str, value: str) -> list[Key]:
        """The keys that a person may mean by a value. Raises InvalidValue, KeyError.

        The last is what the value makes now; before it comes what it made before what distinguishes
        mailboxes was ignored: such a key is still stored. A hash is taken for what it is.
        """
        if self.hasher is not None and is_hash(value):
            return [Key(kind, value)]
        exact = replace(self.kinds[kind], ignore_gmail_dots=False, ignore_plus_tags=False)
        values = (
            normalise(exact, value, phone_region=self.phone_region),
            self.normalise(kind, value),
        )
        return [self.stored(Key(kind, one)) for one in dict.fromkeys(values)]

    def normalise(self, kind: str, value: str) -> str:
        """The one spelling of a value of a kind. Raises InvalidValue, KeyError."""
        return normalise(self.kinds[kind], value, phone_region=self.phone_region)

    def stored(self, key: K) -> K | Key:
        """A key as it is stored, from its normal form."""
        return key if self.hasher is None else Key(key[0], self.hasher.hash(*key))

    @property
    def fingerprint(self) -> str:
        """In which form keys are stored: "" is clear, else the fingerprint of the secret."""
        return "" if self.hasher is None else self.hasher.fingerprint

    @property
    def exclusive_kinds(self) -> frozenset[str]:
        """Names of the kinds of which a profile holds at most one value."""
        return frozenset(kind.name for kind in self.kinds.values() if kind.exclusive)


def by_event_type(
    points: Sequence[IdentificationPoint],
) -> dict[str, tuple[IdentificationPoint, ...]]:
    """Points grouped by the event type that they look at."""
    grouped: dict[str, tuple[IdentificationPoint, ...]] = {}
    for point in points:
        grouped[point.event_type] = (*grouped.get(point.event_type, ()), point)
    return grouped
