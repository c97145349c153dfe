"""Writing what identity resolution says of a large region, in parts, each a short transaction.

A profile is in one part where that can hold it, and each part is told in the history for itself: so
whoever comes between two parts, or after a crash there, can go on from what is stored.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Literal, NamedTuple

from onetrail_collector.store.rows import Change, Regrouping

ROWS_A_PART = 2_000


class _Row(NamedTuple):
    table: Literal["profiles", "keys"]
    id: int
    number: int | None


def parts(whole: Regrouping) -> Iterator[Regrouping]:
    """The same in pieces, each link with its verdict; what becomes of profiles, moves() says."""
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


def moves(
    profiles: Mapping[int, int],
    before: Mapping[int, int],
    oldest: Mapping[int, int],
    left: Mapping[int, int],
) -> list[Change]:
    """Which profiles are split and merged where profile IDs get these numbers.

    before: their numbers until then. Of each number concerned, `oldest` is its oldest profile ID
    until then, and `left` the oldest of those that stay. Each piece goes by its oldest profile ID.
    """
    pieces = {(number, number): profile_id for number, profile_id in left.items()}
    for profile_id, number in sorted(profiles.items()):
        pieces.setdefault((before[profile_id], number), profile_id)
    whole: dict[int, int] = {}
    for (_, number), profile_id in pieces.items():
        whole[number] = min(profile_id, whole.get(number, profile_id))
    splits, merges = [], []
    for (origin, number), profile_id in pieces.items():
        if oldest[origin] != profile_id:
            splits.append(Change("split", oldest[origin], profile_id))
        if whole[number] != profile_id:
            merges.append(Change("merged", whole[number], profile_id))
    return splits + merges
