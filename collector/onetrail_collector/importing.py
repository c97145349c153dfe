"""Links from a table of people: one transaction for some thousand rows, resolved in it.

What runs twice adds nothing the second time, and what dies between two batches goes on where it
stopped when it runs again: a row finds its own profile ID by its first key.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from onetrail_collector.identity.keys import Key, PlainKey
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.suppression import mark, of_key
from onetrail_collector.identity.table import Row
from onetrail_collector.ids import neighbours
from onetrail_collector.policy_in_force import require
from onetrail_collector.resolution import settle
from onetrail_collector.store.protocol import Store, StoreTransaction
from onetrail_collector.store.rows import ImportedRows, KnownKey

MAX_LINKS_READ = 200_000  # of a commit, to refuse what comes last: some 0.5 s at most


class Evidence(NamedTuple):
    """The table as evidence: its file's name, and when it was written."""

    name: str
    time_ms: int


class Imported(NamedTuple):
    """How many links are new, and the rows of erased people, of which nothing is stored."""

    links: int
    withheld: Sequence[Row]


async def import_rows(
    store: Store, rows: Sequence[Row], policy: Policy, *, evidence: Evidence, now_ms: int
) -> Imported:
    """Link the keys of each row to each other; evidence of each is the file and the row's line.

    All keys are added as if they were new, which shows those that are not: to look each up would
    take as long as all the rest. Raises OtherPolicy.
    """
    async with store.transaction() as transaction:
        await require(transaction.identity, policy)
        tables = transaction.imports
        erased = await _erased(transaction, rows)
        withheld = [row for row in rows if not erased.isdisjoint(row.keys)] if erased else []
        if withheld:
            rows = [row for row in rows if erased.isdisjoint(row.keys)]
        source = await tables.source(now_ms=now_ms)
        adding = _Adding(rows, *await tables.highest_numbers())
        adding.add_keys(policy)
        known = await tables.add_keys(adding.keys, source=source)
        adding.add_links(known, source, evidence, now_ms)
        links = await tables.add(adding.rows)
        if links:
            states = await transaction.identity.link_states(links)
            await settle(
                transaction.identity, states, policy, now_ms=now_ms, may_read=MAX_LINKS_READ
            )
    return Imported(len(adding.rows.links) // 5 + len(links), withheld)


async def _erased(transaction: StoreTransaction, rows: Sequence[Row]) -> set[PlainKey]:
    """The keys by which somebody who was erased would come back."""
    salt = await transaction.suppression_salt()
    if salt is None:
        return set()
    marks = {mark(salt, of_key(key)): key for row in rows for key in row.keys}
    return {marks[found] for found in await transaction.suppressed(marks.keys())}


class _Adding:
    """What rows add: first all their keys, then what depends on which of them are new.

    Numbers are in the order of the rows, so that all indexes of numbers grow at their end.
    """

    def __init__(self, rows: Sequence[Row], last_profile_id: int, last_key: int) -> None:
        self.keys: list[Any] = []
        self.rows = ImportedRows()
        self._table = rows
        self._firsts: list[int] = []  # of a row whose keys are all new, its first key; else 0
        self._numbers: dict[PlainKey, int] = {}
        self._last_profile_id, self._last_key = last_profile_id, last_key

    def add_keys(self, policy: Policy) -> None:
        """Give each row a profile ID and each key a number, as if none were stored.

        Where all keys of a row are new, nothing can forbid its links: it is a profile, complete as
        it is, and holds them.
        """
        anything_may_link = all(
            kind.max_profile_ids and kind.max_values for kind in policy.kinds.values()
        )
        numbers, values, last = self._numbers, self.keys, self._last_key
        for profile_id, (_, keys) in enumerate(self._table, self._last_profile_id + 1):
            whole = anything_may_link and numbers.keys().isdisjoint(keys)
            self._firsts.append(last + 1 if whole else 0)
            holder = profile_id if whole else None
            for key in keys:
                if whole or key not in numbers:
                    numbers[key] = last = last + 1
                    values += (last, *key, holder)

    def add_links(
        self, known: Mapping[Key, KnownKey], source: int, evidence: Evidence, now_ms: int
    ) -> None:
        """Link each row's keys to its profile ID, which its first key finds, or a new one."""
        adding, numbers = self.rows, self._numbers
        not_added = {numbers[key] for key in known}
        numbers.update((key, found.id) for key, found in known.items())
        own: dict[PlainKey, int | None] = {key: found.imported for key, found in known.items()}
        name, time_ms = f"import:{evidence.name[:100]}:", evidence.time_ms
        public_ids = neighbours()
        planned = zip(self._table, self._firsts, strict=True)
        for new_id, ((line, keys), first) in enumerate(planned, self._last_profile_id + 1):
            event_id = f"{name}{line:010d}"  # so that they are in the order of the lines
            new_keys = range(first, first + len(keys))
            if first and not_added.isdisjoint(new_keys):
                own[keys[0]] = new_id
                adding.profile_ids += (new_id, next(public_ids), source, now_ms, new_id)
                for key in new_keys:
                    adding.links += (new_id, key, event_id, source, time_ms)
                continue
            profile_id = own.get(keys[0])
            if profile_id is None:
                profile_id = own[keys[0]] = new_id
                adding.profile_ids += (new_id, next(public_ids), source, now_ms, new_id)
            adding.perhaps += [
                (profile_id, numbers[key], event_id, source, time_ms) for key in keys
            ]
            if first:
                adding.released += [(numbers[key],) for key in keys if key not in known]
