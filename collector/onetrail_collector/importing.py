"""Links from a table of people: one transaction for some thousand rows, resolved in it.

What runs twice adds nothing the second time, and what dies between two batches goes on where it
stopped when it runs again: a row finds its own profile ID by its first key.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.table import Row
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
        keys = list(dict.fromkeys(key for row in rows for key in row.keys))
        known = await tables.find_keys(keys, source)
        adding = _Adding(known, await tables.highest_numbers(), (source, now_ms), policy, evidence)
        for row in rows:
            adding.add(row)
        links = await tables.add(adding.rows)
        if links:
            await settle(transaction.identity, links, policy, now_ms=now_ms)
    return len(adding.rows.links) + len(links)


class _Adding:
    """What rows add to the keys that are known: each with its number and its row's profile ID."""

    def __init__(
        self,
        known: dict[Key, tuple[int, int | None]],
        highest: tuple[int, int],
        origin: tuple[int, int],
        policy: Policy,
        evidence: Evidence,
    ) -> None:
        self.rows = ImportedRows()
        self._known = known
        self._last_profile_id, self._last_key = highest
        self._origin = origin  # source, issued_ms
        self._evidence = (origin[0], evidence.time_ms)
        self._file = f"import:{evidence.name[:100]}"
        self._anything_may_link = all(
            kind.max_profile_ids and kind.max_values for kind in policy.kinds.values()
        )

    def add(self, row: Row) -> None:
        """Link a row's keys to its profile ID, which its first key finds, or a new one.

        Where all keys are new, nothing can forbid the links: a profile is complete as it is.
        """
        known, rows = self._known, self.rows
        _, profile_id = known.get(row.keys[0], (0, None))
        whole = self._anything_may_link and known.keys().isdisjoint(row.keys)
        if profile_id is None:
            self._last_profile_id = profile_id = self._last_profile_id + 1
            public_id = str(uuid4())
            rows.profile_ids.append((profile_id, public_id, *self._origin, profile_id))
        event_id = f"{self._file}:{row.line}"
        links = rows.links if whole else rows.perhaps
        for key in row.keys:
            number, linked = known.get(key, (0, None))
            if not number:
                self._last_key = number = self._last_key + 1
                rows.keys.append((number, *key, profile_id if whole else None))
            if linked is None:
                known[key] = (number, profile_id)
            links.append((profile_id, number, event_id, *self._evidence))
