"""Which labels the counts tell apart, so that whoever makes names up fills no table with them.

Of each metric and source a day may bring so many new ones; with those that the day before had they
are all that is told apart, and any other is counted under one name. What is the most frequent shows
only in the end: `tidy_counts` makes its choice among these.
"""

from collections.abc import Iterable

from onetrail_collector.store.periods import DAY_MS
from onetrail_collector.store.rows import OTHER, Tally

NEW_A_DAY = 5_000
MOST_A_DAY = 10_000


class Labels:
    """Remembers today's and yesterday's; after a restart all are new."""

    def __init__(self, *, new_a_day: int = NEW_A_DAY, most_a_day: int = MOST_A_DAY) -> None:
        self._new_a_day = new_a_day
        self._most_a_day = most_a_day
        self._day = -1
        self._new: dict[tuple[str, int], int] = {}
        self._today: dict[tuple[str, int], set[str]] = {}
        self._yesterday: dict[tuple[str, int], set[str]] = {}

    def bound(self, rows: Iterable[Tally]) -> list[Tally]:
        """The same counts, with one label for all that are not told apart."""
        return [
            (metric, at_ms, source, self._told(metric, source, label, at_ms), count)
            for metric, at_ms, source, label, count in rows
        ]

    def _told(self, metric: str, source: int, label: str, at_ms: int) -> str:
        if not label:
            return label
        if at_ms // DAY_MS > self._day:  # no event is of tomorrow
            self._turn(at_ms // DAY_MS)
        place = (metric, source)
        known = self._today.setdefault(place, set())
        if label in known:
            return label
        is_new = label not in self._yesterday.get(place, ())
        new = self._new.get(place, 0) + is_new
        if new > self._new_a_day or len(known) >= self._most_a_day:
            return OTHER
        self._new[place] = new
        known.add(label)
        return label

    def _turn(self, day: int) -> None:
        self._yesterday = self._today if day == self._day + 1 else {}
        self._today, self._new, self._day = {}, {}, day
