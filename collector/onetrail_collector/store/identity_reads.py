"""What people ask of identity resolution: members, evidence, refusals; store/protocol/ says it.

It reads on the connection that it is given: one that cannot write, or a transaction's own, which
sees what the transaction has done so far.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.identity_past import PastReads
from onetrail_collector.store.identity_rows import (
    Evidence,
    InactiveKey,
    Member,
    Place,
    ProfileExtent,
    ProfileTotals,
    RecentSession,
)
from onetrail_collector.store.members import of_profile, of_profiles
from onetrail_collector.store.statements import as_json

EVIDENCE = """
SELECT links.profile_id, links.key, profile_ids.public_id, profile_ids.profile,
       keys.kind, keys.value, keys.profile, links.time_ms, links.event_id, sources.public_id,
       ifnull(keys.inactive, links.refused)
"""

ENDS = """
CROSS JOIN profile_ids ON profile_ids.id = links.profile_id
CROSS JOIN keys ON keys.id = links.key
CROSS JOIN sources ON sources.id = links.source
"""

PLACES = f"""
SELECT links.profile_id, links.key, ifnull(keys.inactive, links.refused) IS NOT NULL
FROM {of_profiles("?1")} AS members
CROSS JOIN links ON links.profile_id = members.id
CROSS JOIN keys ON keys.id = links.key
ORDER BY links.time_ms, links.event_id, links.profile_id, links.key LIMIT ?2
"""

# Links of other profiles' devices that lead to a key which this profile holds, and join nobody.
FOREIGN = f"""
{EVIDENCE}
FROM keys AS held CROSS JOIN links ON links.key = held.id AND links.refused IS NOT NULL
{ENDS}
WHERE held.profile = ?1 AND profile_ids.profile <> ?1 LIMIT ?2
"""

# Each count looks at no more rows than ?2; first and last come from the ends of an index.
TOTALS = f"""
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM {of_profile("?1")} LIMIT ?2)),
    (SELECT count(*) FROM (
        SELECT 1 FROM {of_profile("?1")} AS members
        CROSS JOIN links ON links.profile_id = members.id LIMIT ?2
    )),
    (SELECT count(*) FROM (
        SELECT 1 FROM {of_profile("?1")} AS members
        CROSS JOIN events ON events.profile_id = members.id LIMIT ?2
    )),
    (SELECT count(*) FROM (
        SELECT 1 FROM {of_profile("?1")} AS members
        CROSS JOIN sessions ON sessions.profile_id = members.id LIMIT ?2
    )),
    (SELECT min((SELECT min(time_ms) FROM events WHERE profile_id = members.id))
     FROM {of_profile("?1")} AS members),
    (SELECT max((SELECT max(time_ms) FROM events WHERE profile_id = members.id))
     FROM {of_profile("?1")} AS members)
"""


class IdentityReads(PastReads):
    """Reads on one connection."""

    async def members(self, public_ids: Iterable[str]) -> dict[str, Member]:
        rows = await self._all(
            "SELECT profile_ids.id, public_id, profile FROM json_each(?) AS asked"
            " CROSS JOIN profile_ids ON public_id = asked.value",
            as_json(list(public_ids)),
        )
        return {row[1]: Member(*row) for row in rows}

    async def together(self, profile_ids: Collection[int]) -> list[Member]:
        rows = await self._all(
            f"""
            WITH held (profiles) AS (
                SELECT json_group_array(DISTINCT profile_ids.profile) FROM json_each(?) AS asked
                CROSS JOIN profile_ids ON profile_ids.id = asked.value
            )
            SELECT members.id, profile_ids.public_id, members.profile
            FROM {of_profiles("(SELECT profiles FROM held)")} AS members
            CROSS JOIN profile_ids ON profile_ids.id = members.id
            ORDER BY members.id
            """,
            as_json(list(profile_ids)),
        )
        return [Member(*row) for row in rows]

    async def members_of(self, profile: int, *, limit: int) -> list[Member]:
        rows = await self._all(
            f"""
            SELECT members.id, profile_ids.public_id, members.profile
            FROM {of_profile("?1")} AS members
            CROSS JOIN profile_ids ON profile_ids.id = members.id
            ORDER BY members.id LIMIT ?2
            """,
            profile,
            limit,
        )
        return [Member(*row) for row in rows]

    async def places(self, profiles: Collection[int], *, limit: int) -> list[tuple[Place, bool]]:
        rows = await self._all(PLACES, as_json(list(profiles)), limit)
        return [(Place(row[0], row[1]), bool(row[2])) for row in rows]

    async def evidence(self, places: Collection[Place]) -> dict[Place, Evidence]:
        rows = await self._all(
            f"{EVIDENCE} FROM json_each(?) AS asked"
            " CROSS JOIN links ON links.profile_id = asked.value ->> 0"
            f" AND links.key = asked.value ->> 1 {ENDS}",
            as_json(list(places)),
        )
        return {found.place: found for found in map(_evidence, rows)}

    async def evidence_of(self, profile: int, *, limit: int) -> list[Evidence]:
        rows = await self._all(
            f"""
            {EVIDENCE}
            FROM (
                SELECT members.id, links.key FROM {of_profile("?1")} AS members
                CROSS JOIN links ON links.profile_id = members.id
                ORDER BY members.id LIMIT ?2
            ) AS first
            CROSS JOIN links ON links.profile_id = first.id AND links.key = first.key {ENDS}
            ORDER BY links.profile_id
            """,
            profile,
            limit,
        )
        return [_evidence(row) for row in rows]

    async def link(self, profile_id: int, key: Key) -> Evidence | None:
        rows = await self._all("SELECT id FROM keys WHERE kind = ? AND value = ?", *key)
        places = [Place(profile_id, row[0]) for row in rows]
        return next(iter((await self.evidence(places)).values()), None)

    async def evidence_for(self, key: Key, *, limit: int) -> list[Evidence]:
        rows = await self._all(
            f"{EVIDENCE} FROM keys CROSS JOIN links ON links.key = keys.id"
            " CROSS JOIN profile_ids ON profile_ids.id = links.profile_id"
            " CROSS JOIN sources ON sources.id = links.source"
            " WHERE keys.kind = ? AND keys.value = ? LIMIT ?",
            *key,
            limit,
        )
        return [_evidence(row) for row in rows]

    async def foreign_evidence(self, profile: int, *, limit: int) -> list[Evidence]:
        return [_evidence(row) for row in await self._all(FOREIGN, profile, limit)]

    async def extent(self, profile: int) -> ProfileExtent:
        [(profile_ids, links)] = await self._all(
            f"""
            SELECT (SELECT count(*) FROM {of_profile("?1")}),
                   (SELECT count(*) FROM {of_profile("?1")} AS members
                    CROSS JOIN links ON links.profile_id = members.id)
            """,
            profile,
        )
        return ProfileExtent(profile_ids, links)

    async def held(self, profiles: Collection[int], kinds: Collection[str]) -> list[Key]:
        rows = await self._all(
            """
            SELECT keys.kind, keys.value FROM json_each(?1) AS asked
            CROSS JOIN json_each(?2) AS named
            CROSS JOIN keys ON keys.profile = asked.value AND keys.kind = named.value
            ORDER BY keys.id
            """,
            as_json(list(profiles)),
            as_json(list(kinds)),
        )
        return [Key(*row) for row in rows]

    async def inactive(
        self, reason: str, *, limit: int, after: int, count_to: int
    ) -> list[InactiveKey]:
        rows = await self._all(
            """
            SELECT keys.id, keys.kind, keys.value,
                   (SELECT count(*) FROM (SELECT 1 FROM links WHERE key = keys.id LIMIT ?4))
            FROM keys WHERE inactive = ?1 AND id > ?2 ORDER BY id LIMIT ?3
            """,
            reason,
            after,
            limit,
            count_to,
        )
        return [InactiveKey(row[0], Key(row[1], row[2]), row[3]) for row in rows]

    async def refused(self, reason: str, *, limit: int, after: Place) -> list[Evidence]:
        rows = await self._all(
            f"{EVIDENCE} FROM links INDEXED BY links_refused {ENDS}"
            " WHERE links.refused = ? AND (links.profile_id, links.key) > (?, ?)"
            " AND keys.inactive IS NULL"  # else that is why, and a list of its own
            " ORDER BY links.profile_id, links.key LIMIT ?",
            reason,
            *after,
            limit,
        )
        return [_evidence(row) for row in rows]

    async def count_refused(self, reasons: Collection[str], *, count_to: int) -> dict[str, int]:
        rows = await self._all(
            """
            SELECT asked.value, (SELECT count(*) FROM (
                SELECT 1 FROM links INDEXED BY links_refused
                CROSS JOIN keys ON keys.id = links.key AND keys.inactive IS NULL
                WHERE links.refused = asked.value LIMIT ?2
            )) FROM json_each(?1) AS asked
            """,
            as_json(list(reasons)),
            count_to,
        )
        return dict(rows)

    async def recent_sessions(self, profile: int, *, limit: int) -> list[RecentSession]:
        rows = await self._all(
            f"""
            SELECT sessions.public_id, sources.public_id, profile_ids.public_id,
                   sessions.started_ms, sessions.client
            FROM {of_profile("?1")} AS members
            CROSS JOIN sessions ON sessions.id IN (
                SELECT newest.id FROM sessions AS newest WHERE newest.profile_id = members.id
                ORDER BY newest.started_ms DESC, newest.id DESC LIMIT ?2
            )
            CROSS JOIN profile_ids ON profile_ids.id = members.id
            CROSS JOIN sources ON sources.id = sessions.source
            ORDER BY sessions.started_ms DESC, sessions.id DESC LIMIT ?2
            """,
            profile,
            limit,
        )
        return [RecentSession(*row) for row in rows]

    async def totals(self, profile: int, *, count_to: int) -> ProfileTotals:
        [row] = await self._all(TOTALS, profile, count_to)
        return ProfileTotals(*row)


def _evidence(row: Sequence[Any]) -> Evidence:
    place = Place(row[0], row[1])
    return Evidence(place, row[2], row[3], Key(row[4], row[5]), *row[6:])
