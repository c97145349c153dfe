"""Reading what operators decided and what became of profiles; store/protocol/ says each."""

from collections.abc import Collection, Sequence
from typing import Any

from onetrail_collector.identity.decisions import Part
from onetrail_collector.identity.keys import Key
from onetrail_collector.store.identity_rows import DecisionMade, HistoryRow
from onetrail_collector.store.members import of_profile, of_profiles
from onetrail_collector.store.statements import Statements, as_json

DECISIONS = """
SELECT decisions.id, decisions.act, decisions.what, own.public_id, others.public_id,
       keys.kind, keys.value, decisions.reason, made_by, made_ms,
       undone_reason, undone_by, undone_ms
"""

DECISIONS_ENDS = """
LEFT JOIN profile_ids AS own ON own.id = decisions.profile_id
LEFT JOIN profile_ids AS others ON others.id = decisions.other
LEFT JOIN keys ON keys.id = decisions.key
"""

HISTORY = """
SELECT history.id, history.time_ms, history.what, profiles.public_id, others.public_id,
       keys.kind, keys.value, history.reason, history.cause, history.event_id, history.decision,
       CASE history.cause WHEN 'export' THEN history.made_by WHEN 'undo' THEN decisions.undone_by
                          ELSE decisions.made_by END,
       iif(history.cause = 'undo', decisions.undone_reason, decisions.reason)
"""

HISTORY_ENDS = """
-- What is erased, or being erased, is not told.
CROSS JOIN profile_ids AS profiles
ON profiles.id = history.profile AND profiles.public_id NOT LIKE 'erasing:%'
CROSS JOIN profile_ids AS others
ON others.id = history.other AND others.public_id NOT LIKE 'erasing:%'
LEFT JOIN keys ON keys.id = history.key
LEFT JOIN decisions ON decisions.id = history.decision
"""

CHANGES = """
SELECT history.id, history.time_ms, history.what,
       ifnull(history.public_id, profiles.public_id), ifnull(history.public_id, others.public_id),
       NULL, NULL, NULL, history.cause, history.event_id, history.decision, NULL, NULL
FROM history
LEFT JOIN profile_ids AS profiles ON profiles.id = history.profile
LEFT JOIN profile_ids AS others ON others.id = history.other
WHERE history.id > ? AND history.what NOT IN ('refused', 'accepted', 'exported') AND (
    history.what = 'erased'
    OR (profiles.public_id NOT LIKE 'erasing:%' AND others.public_id NOT LIKE 'erasing:%')
)
ORDER BY history.id LIMIT ?
"""


class PastReads(Statements):
    """Decisions and history, on one connection."""

    async def decisions_within(
        self, profiles: Collection[int], *, limit: int
    ) -> list[DecisionMade]:
        rows = await self._all(
            f"""
            {DECISIONS} FROM decisions {DECISIONS_ENDS}
            WHERE decisions.id IN (
                SELECT made.id FROM {of_profiles("?1")} AS members
                CROSS JOIN decisions AS made INDEXED BY decisions_by_profile_id
                ON made.profile_id = members.id AND made.undone_ms IS NULL
            ) ORDER BY decisions.id LIMIT ?2
            """,
            as_json(list(profiles)),
            limit,
        )
        return [_decision(row) for row in rows]

    async def acts(self, *, limit: int, before: int) -> list[DecisionMade]:
        rows = await self._all(
            f"""
            {DECISIONS}
            FROM (SELECT DISTINCT act FROM decisions INDEXED BY decisions_by_act
                  WHERE act < ? ORDER BY act DESC LIMIT ?) AS acts
            CROSS JOIN decisions ON decisions.act = acts.act {DECISIONS_ENDS}
            ORDER BY decisions.act DESC, decisions.id
            """,
            before,
            limit,
        )
        return [_decision(row) for row in rows]

    async def act_of(self, decision: int) -> int | None:
        rows = await self._all("SELECT act FROM decisions WHERE id = ?", decision)
        return rows[0][0] if rows else None

    async def split_in_force(self, profile_ids: Sequence[int], member: int) -> list[Part]:
        acts = await self._all(
            "SELECT DISTINCT act FROM decisions INDEXED BY decisions_by_profile_id"
            " WHERE profile_id = ? AND what = 'part' AND undone_ms IS NULL",
            profile_ids[0],
        )
        for (act,) in acts:
            rows = await self._all(
                "SELECT profile_id, other FROM decisions"
                " WHERE act = ? AND what = 'part' AND undone_ms IS NULL",
                act,
            )
            parted = {row[0] for row in rows}
            if parted == set(profile_ids) and member in parted | {row[1] for row in rows}:
                return [Part(*row) for row in rows]
        return []

    async def history(self, profile: int, *, limit: int, before: int) -> list[HistoryRow]:
        rows = await self._all(
            f"""
            {HISTORY} FROM history {HISTORY_ENDS}
            WHERE history.id IN (
                SELECT newest.id FROM {of_profile("?1")} AS members
                CROSS JOIN history AS newest ON newest.id IN (
                    SELECT id FROM history WHERE profile = members.id AND id < ?2
                    ORDER BY id DESC LIMIT ?3
                )
                UNION
                SELECT newest.id FROM {of_profile("?1")} AS members
                CROSS JOIN history AS newest ON newest.id IN (
                    SELECT id FROM history WHERE other = members.id AND id < ?2
                    ORDER BY id DESC LIMIT ?3
                )
            ) ORDER BY history.id DESC LIMIT ?3
            """,
            profile,
            before,
            limit,
        )
        return [_history(row) for row in rows]

    async def changes(self, since: int, *, limit: int) -> list[HistoryRow]:
        return [_history(row) for row in await self._all(CHANGES, since, limit)]

    async def last_change(self) -> int:
        rows = await self._all("SELECT seq FROM sqlite_sequence WHERE name = 'history'")
        return rows[0][0] if rows else 0


def _decision(row: Sequence[Any]) -> DecisionMade:
    key = None if row[5] is None else Key(row[5], row[6])
    return DecisionMade._make([*row[:5], key, *row[7:]])


def _history(row: Sequence[Any]) -> HistoryRow:
    key = None if row[5] is None else Key(row[5], row[6])
    return HistoryRow._make([*row[:5], key, *row[7:]])
