"""Writing and finding decisions of an operator; store/protocol/ says what each does."""

from collections.abc import Collection, Sequence
from typing import Any

from onetrail_collector.identity.decisions import Decision, Join, Part, RefuseKey, RefuseLink
from onetrail_collector.identity.keys import Key
from onetrail_collector.store.rows import DecisionRow
from onetrail_collector.store.statements import Statements, as_json

SELECT_DECISION = """
SELECT decisions.id, what, profile_id, other, keys.kind, keys.value, reason, made_by, made_ms,
       undone_reason, undone_by, undone_ms
FROM decisions LEFT JOIN keys ON keys.id = decisions.key
"""

# Those about the given profile IDs, and about all that these name in turn.
DECISIONS_ABOUT = f"""
WITH RECURSIVE about (id) AS (
    SELECT value FROM json_each(?)
    UNION
    SELECT decisions.other FROM about CROSS JOIN decisions
    ON decisions.profile_id = about.id AND decisions.undone_ms IS NULL AND other IS NOT NULL
    UNION
    SELECT decisions.profile_id FROM about CROSS JOIN decisions
    ON decisions.other = about.id AND decisions.undone_ms IS NULL
)
{SELECT_DECISION} WHERE decisions.id IN (
    SELECT decisions.id FROM about
    CROSS JOIN decisions ON decisions.profile_id = about.id AND decisions.undone_ms IS NULL
) ORDER BY decisions.id
"""


DECISIONS_OF_ACT = f"""
{SELECT_DECISION}
WHERE undone_ms IS NULL AND act = (SELECT act FROM decisions WHERE id = ?) ORDER BY decisions.id
"""

# The first of an act names it by its own number, which is the next of the sequence.
ADD_DECISION = """
INSERT INTO decisions (act, what, profile_id, other, key, reason, made_by, made_ms)
VALUES (coalesce(?, (SELECT seq + 1 FROM sqlite_sequence WHERE name = 'decisions'), 1),
        ?, ?, ?, ?, ?, ?, ?)
"""

IN_FORCE = """
SELECT id FROM decisions
WHERE what = ?1 AND other IS ?3 AND key IS ?4 AND undone_ms IS NULL
AND (profile_id = ?2 OR (?2 IS NULL AND profile_id IS NULL AND key = ?4))
ORDER BY id DESC LIMIT 1
"""


# Each part finds its rows by an index, which one condition with OR would not.
DELETE_DECISIONS = """
DELETE FROM decisions WHERE id IN (
    SELECT decisions.id FROM json_each(?1) AS asked
    CROSS JOIN decisions ON decisions.profile_id = asked.value
    UNION
    SELECT decisions.id FROM json_each(?1) AS asked
    CROSS JOIN decisions ON decisions.other = asked.value
    UNION
    SELECT decisions.id FROM json_each(?2) AS asked
    CROSS JOIN decisions ON decisions.key = asked.value
    WHERE NOT EXISTS (SELECT 1 FROM keys WHERE keys.id = asked.value)
)
"""


class DecisionTables(Statements):
    """The decisions, on the connection of a transaction."""

    async def decisions_about(self, profile_ids: Collection[int]) -> list[DecisionRow]:
        if not await self._all("SELECT 1 FROM decisions WHERE id > 0 LIMIT 1"):
            return []
        rows = await self._all(DECISIONS_ABOUT, as_json(list(profile_ids)))
        return [_decision_row(row) for row in rows]

    async def act(self, number: int) -> list[DecisionRow]:
        rows = await self._all(
            DECISIONS_OF_ACT,
            number,
        )
        return [_decision_row(row) for row in rows]

    async def in_force(self, decision: Decision) -> int | None:
        what, profile_id, other, key = await self._decision_columns(decision)
        rows = await self._all(IN_FORCE, what, profile_id, other, key)
        return rows[0][0] if rows else None

    async def add_decision(
        self, decision: Decision, *, act: int | None, reason: str, made_by: str, now_ms: int
    ) -> int:
        what, profile_id, other, key = await self._decision_columns(decision)
        async with self._connection.execute(
            ADD_DECISION, (act, what, profile_id, other, key, reason, made_by, now_ms)
        ) as cursor:
            return int(cursor.lastrowid or 0)

    async def undo_act(self, number: int, *, reason: str, undone_by: str, now_ms: int) -> bool:
        async with self._connection.execute(
            "UPDATE decisions SET undone_reason = ?2, undone_by = ?3, undone_ms = ?4"
            " WHERE act = (SELECT act FROM decisions WHERE id = ?1) AND undone_ms IS NULL",
            (number, reason, undone_by, now_ms),
        ) as cursor:
            return cursor.rowcount > 0

    async def key(self, key: Key) -> int:
        await self._connection.execute(
            "INSERT INTO keys (kind, value) VALUES (?, ?) ON CONFLICT DO NOTHING", key
        )
        [(number,)] = await self._all("SELECT id FROM keys WHERE kind = ? AND value = ?", *key)
        return int(number)

    async def _decision_columns(
        self, decision: Decision
    ) -> tuple[str, int | None, int | None, int | None]:
        match decision:
            case Join(profile_id, other):
                return "join", profile_id, other, None
            case Part(profile_id, other):
                return "part", profile_id, other, None
            case RefuseLink(profile_id, key):
                return "refuse_link", profile_id, None, await self.key(key)
            case RefuseKey(key):
                return "refuse_key", None, None, await self.key(key)

    async def delete_decisions(self, profile_ids: Collection[int], keys: Collection[int]) -> None:
        await self._all(DELETE_DECISIONS, as_json(list(profile_ids)), as_json(list(keys)))


def _decision_row(row: Sequence[Any]) -> DecisionRow:
    number, what, profile_id, other, kind, value = row[:6]
    decision: Decision
    match what:
        case "join":
            decision = Join(profile_id, other)
        case "part":
            decision = Part(profile_id, other)
        case "refuse_link":
            decision = RefuseLink(profile_id, Key(kind, value))
        case _:
            decision = RefuseKey(Key(kind, value))
    return DecisionRow(number, decision, *row[6:])
