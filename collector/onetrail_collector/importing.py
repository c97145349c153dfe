"""Links from a table of people: one transaction for some thousand rows, resolved in it.

What runs twice adds nothing the second time, and what dies between two batches goes on where it
stopped when it runs again: a row finds its own profile ID by its first key.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.table import Row
from onetrail_collector.ids import neighbours
from onetrail_collector.resolution import settle
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import ImportedRows


class Evidence(NamedTuple):
    """The table as evidence: its file's name, and when it was written."""

    name: str
    time_ms: int


async def import_rows(
    store: Store, rows: Sequence[Row], policy: Policy, *, evidence: Evidence, now_ms: int
) -> int:
    """Link the keys of each row to each other; answers how many links are new.

    Evidence of each is the file and the row's line.
    """
    async with store.transaction() as transaction:
        tables = transaction.imports
        source = await tables.source(now_ms=now_ms)
        keys = sorted({key for row in rows for key in row.keys})  # neighbours in the index
        known = await tables.find_keys(keys, source)
        adding = _Adding(keys, known, await tables.highest_numbers(), policy)
        adding.add(rows, source, evidence, now_ms)
        links = await tables.add(adding.rows)
        if links:
            states = await transaction.identity.link_states(links)
            await settle(transaction.identity, states, policy, now_ms=now_ms)
    return len(adding.rows.links) + len(links)


class _Adding:
    """What rows add to the keys that are known, each with its number and its row's profile ID."""

    def __init__(
        self,
        keys: Sequence[Key],
        known: Mapping[Key, tuple[int, int | None]],
        highest: tuple[int, int],
        policy: Policy,
    ) -> None:
        self.rows = ImportedRows()
        last_profile_id, last_key = highest
        new = [key for key in keys if key not in known]
        self._new = dict(zip(new, range(last_key + 1, last_key + 1 + len(new)), strict=True))
        self._numbers = self._new | {key: number for key, (number, _) in known.items()}
        self._rows_of = {key: own for key, (_, own) in known.items() if own is not None}
        self._seen = set(known)
        self._next_profile_id = count(last_profile_id + 1)
        self._anything_may_link = all(
            kind.max_profile_ids and kind.max_values for kind in policy.kinds.values()
        )

    def add(self, rows: Iterable[Row], source: int, evidence: Evidence, now_ms: int) -> None:
        """Link each row's keys to its profile ID, which its first key finds, or a new one.

        Where all keys are new, nothing can forbid the links: a profile is complete as it is.
        """
        adding, numbers, rows_of, seen = self.rows, self._numbers, self._rows_of, self._seen
        name, time_ms = f"import:{evidence.name[:100]}:", evidence.time_ms
        public_ids = neighbours()
        holders: dict[Key, int] = {}
        for line, keys in rows:
            profile_id = rows_of.get(keys[0])
            if profile_id is None:
                profile_id = next(self._next_profile_id)
                new = (profile_id, next(public_ids), source, now_ms, profile_id)
                adding.profile_ids.append(new)
            links = adding.perhaps
            if self._anything_may_link and seen.isdisjoint(keys):
                links = adding.links
                holders.update(dict.fromkeys(keys, profile_id))
            event_id = f"{name}{line}"
            links += [(profile_id, numbers[key], event_id, source, time_ms) for key in keys]
            for key in keys:
                rows_of.setdefault(key, profile_id)
            seen.update(keys)
        adding.keys = [(number, *key, holders.get(key)) for key, number in self._new.items()]
