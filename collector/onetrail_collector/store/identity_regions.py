"""What hangs together: at once, within a commit; page by page, where it is too much for that.

No page has more rows than was asked for, whoever they belong to: neither a profile, nor what a
profile ID has links to, nor what uses a key is ever read whole. A page is in the order of its list,
and then of an index, so that nothing before it is read again. store/protocol/ says what each does.
"""

from collections.abc import Collection, Sequence
from typing import Any

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.store.identity_settling import SettlingTables
from onetrail_collector.store.links import MAX_LINKS
from onetrail_collector.store.members import of_profiles
from onetrail_collector.store.rows import LinkState, Region
from onetrail_collector.store.statements import as_json

REGION_PROFILE_IDS = f"SELECT id, profile FROM {of_profiles('?1')} LIMIT ?2"

# The links of a region do not tell how many others, to inactive keys, are walked past to find them.
WALK = 4  # times the limit
WALKED = f"""
SELECT count(*) FROM (
    SELECT 1 FROM {of_profiles("?1")} AS members
    CROSS JOIN links ON links.profile_id = members.id LIMIT ?2
)
"""

# From the profile IDs of the profiles, and from the keys, each link, with the profile at each end.
# Each part has its own limit: UNION knows its own only when it has all.
REGION_LINKS = f"""
SELECT links.profile_id, links.key, links.time_ms, links.event_id, links.refused,
       keys.kind, keys.value, keys.inactive, keys.profile, profile_ids.profile
FROM (
    SELECT * FROM (
        SELECT links.profile_id, links.key FROM {of_profiles("?1")} AS members
        CROSS JOIN links ON links.profile_id = members.id
        CROSS JOIN keys ON keys.id = links.key AND keys.inactive IS NULL LIMIT ?3
    )
    UNION
    SELECT * FROM (
        SELECT links.profile_id, links.key FROM json_each(?1) AS asked
        CROSS JOIN keys ON keys.profile = asked.value
        CROSS JOIN links ON links.key = keys.id LIMIT ?3
    )
    UNION
    SELECT * FROM (
        SELECT links.profile_id, links.key FROM json_each(?2) AS asked
        CROSS JOIN links ON links.key = asked.value LIMIT ?3
    )
    LIMIT ?3
) AS found
CROSS JOIN links ON links.profile_id = found.profile_id AND links.key = found.key
CROSS JOIN keys ON keys.id = links.key
CROSS JOIN profile_ids ON profile_ids.id = links.profile_id
"""

# But for the one whose number the profile goes by (members.py).
MEMBERS = """
SELECT asked.value, members.id
FROM json_each(?1) AS asked
CROSS JOIN profile_ids AS members ON members.profile = asked.value AND members.profile <> members.id
    AND members.id > iif(asked.key = 0, ?2, 0)
LIMIT ?3
"""

NAMESAKES = """
SELECT own.id FROM json_each(?) AS asked
CROSS JOIN profile_ids AS own ON own.id = asked.value AND own.profile = asked.value
"""

LINKS = """
SELECT links.profile_id, links.key, links.time_ms, links.event_id, links.refused
FROM json_each(?1) AS asked
CROSS JOIN links ON links.profile_id = asked.value AND links.key > iif(asked.key = 0, ?2, 0)
LIMIT ?3
"""

USERS = """
SELECT asked.value, links.profile_id, profile_ids.profile
FROM json_each(?1) AS asked
CROSS JOIN links INDEXED BY links_by_key ON links.key = asked.value
    AND links.profile_id > iif(asked.key = 0, ?2, 0)
CROSS JOIN profile_ids ON profile_ids.id = links.profile_id
LIMIT ?3
"""

ACTIVE_KEYS = """
SELECT keys.id, keys.kind, keys.value, keys.profile
FROM json_each(?) AS asked CROSS JOIN keys ON keys.id = asked.value AND keys.inactive IS NULL
"""


class RegionTables(SettlingTables):
    """Regions, on the connection of a transaction."""

    async def region(
        self, profiles: Collection[int], loose_keys: Collection[int], *, limit: int
    ) -> Region | None:
        numbers = as_json(list(profiles))
        ids = await self._all(REGION_PROFILE_IDS, numbers, limit + 1)
        if len(ids) > limit or await self._walks_far(numbers, len(ids), WALK * limit):
            return None
        links = await self._all(REGION_LINKS, numbers, as_json(list(loose_keys)), limit + 1)
        if len(links) > limit:
            return None
        region = Region(dict(ids), dict.fromkeys(loose_keys), free=await self.free_number())
        held = set(profiles)
        for state in map(link_state, links):
            region.links[state.link.profile_id, state.key] = state
            if state.key_profile in held:
                region.keys[state.key] = state.key_profile
        return region

    async def _walks_far(self, profiles: str, profile_ids: int, links: int) -> bool:
        """Whether these have more links than this, active or not."""
        if profile_ids * MAX_LINKS <= links:
            return False
        [(walked,)] = await self._all(WALKED, profiles, links + 1)
        return bool(walked > links)

    async def page_of_members(
        self, profiles: Sequence[int], *, after: int, limit: int
    ) -> list[tuple[int, int]]:
        return await self._all(MEMBERS, as_json(profiles), after, limit)

    async def namesakes(self, profiles: Sequence[int]) -> list[int]:
        return [row[0] for row in await self._all(NAMESAKES, as_json(profiles))]

    async def page_of_links(
        self, profile_ids: Sequence[int], *, after: int, limit: int
    ) -> list[tuple[int, int, int, str, str | None]]:
        return await self._all(LINKS, as_json(profile_ids), after, limit)

    async def page_of_users(
        self, keys: Sequence[int], *, after: int, limit: int
    ) -> list[tuple[int, int, int]]:
        return await self._all(USERS, as_json(keys), after, limit)

    async def active_keys(self, keys: Sequence[int]) -> list[tuple[int, str, str, int | None]]:
        return await self._all(ACTIVE_KEYS, as_json(keys))


def link_state(row: Sequence[Any]) -> LinkState:
    """A row of a link, as of REGION_LINKS."""
    (profile_id, key, time_ms, event_id, refused, kind, value) = row[:7]
    inactive, key_profile, profile = row[7:]
    link = Link(profile_id, Key(kind, value), time_ms, event_id)
    return LinkState(link, key, profile, key_profile, refused, inactive)
