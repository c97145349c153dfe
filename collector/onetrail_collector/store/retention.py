"""What retention asks of the file: the oldest events, and which sessions and contexts they leave.

Events are in the order of arrival by their number, so that the oldest need no index of their own: a
walk along the numbers finds them, and a remembered position keeps it from walking twice.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager

import aiosqlite
import msgspec

from onetrail_collector.store.protocol import Referrable
from onetrail_collector.store.rows import EventAge, Leaving, Referred
from onetrail_collector.store.transaction import Transaction

_numbers = msgspec.json.Decoder(list[int | None])

REFERRED = """
SELECT max(id), json_group_array(DISTINCT session), json_group_array(DISTINCT context_id)
FROM (SELECT id, session, context_id FROM events WHERE id > ? ORDER BY id LIMIT ?)
"""
NEXT: dict[Referrable, str] = {
    "sessions": "SELECT id, started_ms < ?1 FROM sessions WHERE id > ?2 ORDER BY id LIMIT ?3",
    "contexts": "SELECT id, ?1 > 0 FROM contexts WHERE id > ?2 ORDER BY id LIMIT ?3",
}


class RetentionTables:
    """Retention's statements on one file; store/protocol/ says what each call does."""

    def __init__(
        self,
        reader: aiosqlite.Connection,
        transaction: Callable[[], AbstractAsyncContextManager[Transaction]],
    ) -> None:
        self._reader = reader
        self._transaction = transaction

    async def position(self, source: int) -> int:
        """The event up to which all of a source's are gone."""
        rows = await self._all("SELECT event FROM retention WHERE source = ?", source)
        return rows[0][0] if rows else 0

    async def count(self, source: int) -> int:
        """How many events of a source are kept."""
        [(count,)] = await self._all("SELECT count(*) FROM events WHERE source = ?", source)
        return int(count)

    async def oldest(self, after: int, limit: int) -> list[EventAge]:
        """The next events, of all sources, in the order of arrival."""
        rows = await self._all(
            "SELECT id, source, received_ms FROM events WHERE id > ? ORDER BY id LIMIT ?",
            after,
            limit,
        )
        return [EventAge(*row) for row in rows]

    async def forget(self, source: int, events: Sequence[int], position: int) -> int:
        """Delete these events and remember the position, in one commit; answers how many went."""
        async with self._transaction() as transaction:
            gone = await transaction.delete("events", events)
            await transaction.run(
                "INSERT INTO retention (source, event) VALUES (?, ?)"
                " ON CONFLICT (source) DO UPDATE SET event = excluded.event",
                source,
                position,
            )
        return gone

    async def referred(self, after: int, limit: int) -> Referred:
        """Which sessions and contexts the next events refer to."""
        return _referred(await self._all(REFERRED, after, limit))

    async def leave(  # noqa: PLR0913, PLR0917 - see store/protocol/
        self,
        table: Referrable,
        after: int,
        limit: int,
        before_ms: int,
        seen_to: int,
        unused: Callable[[Iterable[int], Referred], list[int]],
    ) -> Leaving:
        """Delete those of the next rows that `unused` picks, told what came after `seen_to`."""
        async with self._transaction() as transaction:
            rows = await transaction.run(NEXT[table], before_ms, after, limit)
            late = _referred(await transaction.run(REFERRED, seen_to, -1))
            gone = await transaction.delete(
                table, unused([number for number, may_go in rows if may_go], late)
            )
        return Leaving(gone, rows[-1][0] if len(rows) == limit else None)

    async def _all(self, sql: str, *parameters: object) -> list[tuple[int, ...]]:
        return list(await self._reader.execute_fetchall(sql, parameters))  # type: ignore[arg-type]


def _referred(rows: Sequence[tuple[int | str | None, ...]]) -> Referred:
    [(last, sessions, contexts)] = rows
    return Referred(
        None if last is None else int(last),
        *(
            [number for number in _numbers.decode(str(text)) if number is not None]
            for text in (sessions, contexts)
        ),
    )
