"""The policy: which kinds of key there are, and where in events they are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from onetrail_collector.identity.keys import BUILT_IN_KINDS, Kind
from onetrail_collector.identity.points import BUILT_IN_POINTS, IdentificationPoint


@dataclass(frozen=True, slots=True)
class Policy:
    """Kinds by name, identification points by event type, and the region of bare phone numbers.

    phone_region is an ISO 3166-1 alpha-2 code ("CH"); None takes only numbers with a country code.
    """

    kinds: Mapping[str, Kind] = field(default_factory=lambda: {k.name: k for k in BUILT_IN_KINDS})
    points: Mapping[str, Sequence[IdentificationPoint]] = field(
        default_factory=lambda: by_event_type(BUILT_IN_POINTS)
    )
    phone_region: str | None = None

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
