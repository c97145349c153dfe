"""Writing what identity resolution says of a large region, in parts, each a short transaction.

Whoever comes between two parts, or after a crash there, finds whole profiles, and a history that
says how they came to be: a profile is in one part where that can hold it, and each part is told for
itself.
"""

from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Literal, NamedTuple

from onetrail_collector.store.rows import Change, Regrouping

ROWS_A_PART = 2_000


class _Row(NamedTuple):
    table: Literal["profiles", "keys"]
    id: int
    number: int | None


def parts(whole: Regrouping) -> Iterator[Regrouping]:
    """The same in pieces, each link with its verdict; what becomes of profiles, Names says."""
    part, room = Regrouping(), ROWS_A_PART
    for rows in _profiles(whole):
        if room < min(len(rows), ROWS_A_PART):
            yield part
            part, room = Regrouping(), ROWS_A_PART
        for table, number, profile in rows:
            if not room:
                yield part
                part, room = Regrouping(), ROWS_A_PART
            getattr(part, table)[number] = profile
            room -= 1
    yield part
    verdicts = zip(whole.refused.items(), whole.changes, strict=True)
    while some := list(islice(verdicts, ROWS_A_PART)):
        yield Regrouping(
            refused=dict(item for item, _ in some), changes=[change for _, change in some]
        )


def _profiles(whole: Regrouping) -> Iterator[list[_Row]]:
    """The keys that nobody holds any more, and then what each profile gets."""
    members: dict[int, list[int]] = {}
    for profile_id, number in whole.profiles.items():
        members.setdefault(number, []).append(profile_id)
    held: dict[int | None, list[int]] = {}
    for key, holder in whole.keys.items():
        held.setdefault(holder, []).append(key)
    for key in held.pop(None, ()):
        yield [_Row("keys", key, None)]
    for number, profile_ids in members.items():
        rows = [_Row("profiles", profile_id, number) for profile_id in profile_ids]
        yield rows + [_Row("keys", key, number) for key in held.pop(number, ())]
    for holder, keys in held.items():
        yield [_Row("keys", key, holder) for key in keys]


class Names:
    """The profiles of a region by their oldest profile IDs, as part after part is written.

    `profiles` are each profile ID's number, and kept up to date.
    """

    def __init__(self, profiles: dict[int, int]) -> None:
        self._numbers = profiles
        self._members: dict[int, list[int]] = {}  # of each number a heap; some have left it
        for profile_id, number in profiles.items():
            self._members.setdefault(number, []).append(profile_id)
        for members in self._members.values():
            heapify(members)

    def move(self, profiles: Mapping[int, int]) -> list[Change]:
        """Give these profile IDs their numbers; answers which profiles were split and merged.

        Each piece goes by its oldest profile ID: one that leaves its profile, and one that is left.
        """
        pieces: dict[tuple[int, int], int] = {}  # (number before, number) -> its oldest
        for profile_id, number in sorted(profiles.items()):
            pieces.setdefault((self._numbers[profile_id], number), profile_id)
        touched = {number for numbers in pieces for number in numbers}
        before = {number: self._oldest(number) for number in touched}
        self._numbers.update(profiles)
        for number in touched:
            left = self._oldest(number)
            if left is not None:
                pieces[number, number] = left
        for profile_id, number in profiles.items():
            heappush(self._members.setdefault(number, []), profile_id)
        splits, merges = [], []
        for (origin, number), oldest in pieces.items():
            if (whole := before[origin]) is not None and whole != oldest:
                splits.append(Change("split", whole, oldest))
            if (whole := self._oldest(number)) is not None and whole != oldest:
                merges.append(Change("merged", whole, oldest))
        return splits + merges

    def _oldest(self, number: int) -> int | None:
        """The oldest profile ID that has a number."""
        members = self._members.get(number, [])
        while members and self._numbers[members[0]] != number:
            heappop(members)
        return members[0] if members else None
