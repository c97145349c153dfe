"""Reading all that hangs together with one profile ID, page by page, each a short transaction.

No page is longer for a profile of a million IDs, nor for a key that thousands use. Commits go on
between two pages, so that what is read may be of no one moment: whatever they change of it, they
leave word (resolution.py), and it is resolved once more.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from sys import getsizeof, intern
from typing import Any

from onetrail_collector.identity.decisions import named_in
from onetrail_collector.pacing import rest
from onetrail_collector.store.protocol import IdentityTransaction, Store
from onetrail_collector.store.rows import LargeRegion

ROWS_A_PAGE = 2_000
ROWS_A_STEP = 2_000  # to read so many takes about 10 ms
A_PAGE = 20  # to ask for one takes as long as so many rows
# Of memory at most, from here until it is resolved, besides the texts (docs/benchmarks.md).
PROFILE_BYTES, PROFILE_ID_BYTES, KEY_BYTES, LINK_BYTES = 110, 400, 310, 300


class TooLarge(Exception):  # noqa: N818 - of a region
    """There is more within reach than may be in memory: these profiles and more.

    known: it was met in one of those that were named as such.
    """

    def __init__(
        self, profiles: AbstractSet[int], profile_ids: Collection[int], *, known: bool
    ) -> None:
        super().__init__(profiles, profile_ids, known)
        self.profiles = profiles
        self.profile_ids = profile_ids
        self.known = known


async def read_large(
    store: Store, profile_id: int, *, max_bytes: int, too_large: AbstractSet[int] = frozenset()
) -> LargeRegion:
    """All within reach of a profile ID, and what was decided about it.

    Raises TooLarge where to resolve it would take more memory, about, and where it meets one of
    these profiles.
    """
    reading = _Reading(too_large)
    async with store.transaction() as transaction:
        profiles = await transaction.identity.profiles([profile_id])
    reading.reach(profiles.values())
    while reading.goes_on:
        began = asyncio.get_running_loop().time()
        async with store.transaction() as transaction:
            await transaction.at_once(reading.step)
        if reading.known or reading.bytes > max_bytes:
            raise TooLarge(reading.reached, reading.region.profiles.keys(), known=reading.known)
        await rest(began)
    return reading.region


class _Queue:
    """What is yet to be read, and how far the first of it has been."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._after = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, number: int) -> None:
        self._waiting.append(number)

    def next(self) -> tuple[list[int], int]:
        """The first few, and after what number of the first one's to go on."""
        return list(islice(self._waiting, ROWS_A_PAGE)), self._after

    def done(self, asked: Sequence[int], page: Sequence[tuple[Any, ...]]) -> None:
        """All of these were read; or, where the page is full, only as far as its last row."""
        if len(page) < ROWS_A_PAGE:
            for _ in asked:
                self._waiting.popleft()
            self._after = 0
        else:
            last, self._after = page[-1][:2]
            while self._waiting[0] != last:
                self._waiting.popleft()


class _Reading:
    """What was read so far, and what that leads to."""

    def __init__(self, too_large: AbstractSet[int]) -> None:
        self.region = LargeRegion()
        self.reached: set[int] = set()  # profiles
        self.bytes = 0  # that it takes to resolve all this, about
        self.known = False  # to be too large
        self._too_large = too_large
        self._numbers, self._profiles = _Queue(), _Queue()  # the same: for who goes by it, and all
        self._profile_ids, self._keys = _Queue(), _Queue()

    def reach(self, profiles: Iterable[int]) -> None:
        """Read these profiles as well."""
        for profile in profiles:
            if profile not in self.reached:
                self.reached.add(profile)
                self.bytes += PROFILE_BYTES
                self.known = self.known or profile in self._too_large
                self._numbers.add(profile)
                self._profiles.add(profile)

    @property
    def goes_on(self) -> bool:
        """Whether anything is left to read."""
        return bool(self._keys or self._profile_ids or self._numbers or self._profiles)

    async def step(self, tables: IdentityTransaction) -> None:
        """Read a few pages, each of what the ones before led to."""
        rows = 0
        while rows < ROWS_A_STEP and self.goes_on:
            if self._keys:
                rows += await self._read_users(tables)
            elif self._profile_ids:
                rows += await self._read_links(tables)
            elif self._numbers:
                rows += await self._read_namesakes(tables)
            else:
                rows += await self._read_members(tables)
            rows += A_PAGE

    async def _read_namesakes(self, tables: IdentityTransaction) -> int:
        asked, _ = self._numbers.next()
        members = [(number, number) for number in await tables.namesakes(asked)]
        self._numbers.done(asked, ())
        await self._take(tables, members)
        return len(members)

    async def _read_members(self, tables: IdentityTransaction) -> int:
        asked, after = self._profiles.next()
        page = await tables.page_of_members(asked, after=after, limit=ROWS_A_PAGE)
        self._profiles.done(asked, page)
        await self._take(tables, page)
        return len(page)

    async def _take(self, tables: IdentityTransaction, members: Sequence[tuple[int, int]]) -> None:
        """Members of profiles, and what was decided about them."""
        rows = await tables.decisions_about([profile_id for _, profile_id in members])
        named = named_in(row.decision for row in rows)
        named_profiles = await tables.profiles(named) if named else {}
        for profile, profile_id in members:
            if profile_id not in self.region.profiles:  # else it has moved since
                self.region.profiles[profile_id] = profile
                self.bytes += PROFILE_ID_BYTES
                self._profile_ids.add(profile_id)
        self.region.decisions.update((row.id, row.decision) for row in rows)
        self.reach(named_profiles.values())

    async def _read_links(self, tables: IdentityTransaction) -> int:
        region = self.region
        asked, after = self._profile_ids.next()
        page = await tables.page_of_links(asked, after=after, limit=ROWS_A_PAGE)
        new = {row[1] for row in page if row[1] not in region.values}
        keys = await tables.active_keys(list(new))
        self._profile_ids.done(asked, page)
        for key, kind, value, profile in keys:
            region.keys[key] = profile
            region.values[key] = (intern(kind), value)
            self._keys.add(key)
            self.bytes += KEY_BYTES + getsizeof(value)
            if profile is not None:
                self.reach([profile])
        for profile_id, key, time_ms, event_id, refused in page:
            if key in region.values:
                region.links.append((profile_id, region.values[key], time_ms, event_id))
                self.bytes += LINK_BYTES + getsizeof(event_id)
                if refused is not None:
                    region.refused[profile_id, key] = refused
        return len(page)

    async def _read_users(self, tables: IdentityTransaction) -> int:
        asked, after = self._keys.next()
        page = await tables.page_of_users(asked, after=after, limit=ROWS_A_PAGE)
        self._keys.done(asked, page)
        self.reach(profile for _, _, profile in page)
        return len(page)
