"""No statement of the way in, nor of a profile's page, reads a whole table."""

import asyncio
import re
from pathlib import Path

from onetrail_collector.identity.decisions import Part, RefuseLink
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.store.export import KEYS, PROFILE_IDS, TRAITS
from onetrail_collector.store.identity import IdentityTables
from onetrail_collector.store.identity_reads import IdentityReads
from onetrail_collector.store.identity_regions import LINKS, MEMBERS, USERS
from onetrail_collector.store.identity_rows import Place
from onetrail_collector.store.rows import (
    Change,
    CountsAsked,
    ImportedRows,
    LiveFilter,
    NewProfileId,
    Question,
    SourcedLink,
    Writes,
)
from onetrail_collector.store.sqlite import SqliteStore

GROWING = ("events", "sessions", "profile_ids", "links", "keys", "traits", "contexts", "counts")
GROWING += ("trait_starts", "decisions", "history", "device_keys")


async def decide(tables: IdentityTables) -> None:
    await tables.link_states([(1, 1)])
    await tables.seen_on([1], count_to=3)
    await tables.key_states([1], count_to=3)
    await tables.profiles([1])
    await tables.values([1])
    await tables.sizes([1])
    for decision in (Part(1, 2), RefuseLink(1, Key("email", "a"))):
        await tables.add_decision(decision, act=None, reason="", made_by="", now_ms=0)
    await tables.parted([1])
    await tables.decisions_about([1])
    await tables.act(1)
    await tables.in_force(decision)
    await tables.region([1], [2], limit=10)
    await tables.page_of_members([1], after=0, limit=3)
    await tables.page_of_links([1], after=0, limit=3)
    await tables.page_of_users([1], after=0, limit=3)
    await tables.active_keys([1])
    await tables.settling()
    await tables.latest([1], besides=[(1, 1)], limit=10)
    await tables.oldest([1])
    await tables.users(1, limit=3)
    await tables.members(1)
    await tables.note([Change("merged", 1, 2)], now_ms=0)
    await tables.delete_decisions([1], [1])


async def read_identity(reads: IdentityReads) -> None:
    await reads.members(["a"])
    await reads.together([1])
    await reads.members_of(1, limit=1)
    await reads.places([1], limit=1)
    await reads.evidence([Place(1, 1)])
    await reads.evidence_of(1, limit=1)
    await reads.evidence_for(Key("email", "a"), limit=1)
    await reads.foreign_evidence(1, limit=1)
    await reads.link(1, Key("email", "a"))
    await reads.extent(1)
    await reads.held([1], ["user_id"])
    await reads.decisions_within([1], limit=1)
    await reads.acts(limit=1, before=9)
    await reads.act_of(1)
    await reads.split_in_force([1], 2)
    await reads.history(1, limit=1, before=9)
    await reads.changes(0, limit=1)
    await reads.last_change()
    await reads.inactive("shared", limit=1, after=0, count_to=1)
    await reads.refused("exclusive", limit=1, after=Place(0, 0))
    await reads.count_refused(["exclusive"], count_to=1)
    await reads.recent_sessions(1, limit=1)
    await reads.totals(1, count_to=1)


async def plans(path: Path) -> dict[str, list[str]]:
    """The query plan of each statement that a commit and the reads of a profile run."""
    seen: set[str] = set()  # with what was asked in the place of parameters
    store = await SqliteStore.open(path)
    for connection in (store._writer, store._reader, store._background):
        await connection.set_trace_callback(seen.add)
    async with store.transaction() as transaction:
        await transaction.look_up(Question())
        await transaction.exclusive_values([1], ["user_id"])
        link = SourcedLink(Link(1, Key("email", "a"), 0, "e"), 1)
        await transaction.write(Writes([NewProfileId(1, "p", 1, 0, 1)], links=[link]))
        await transaction.count_values([1])
        await transaction.imports.add_keys([(2, "email", "a", 1)], source=1)
        await transaction.imports.highest_numbers()
        await transaction.imports.add(ImportedRows(perhaps=[(1, 1, "e", 1, 0)]))
        await decide(transaction.identity)
    await store.find_profiles_by_key(Key("email", "a"))
    await store.search([Key("email", "a")], "abcd", limit=1)
    await store.read_profile(1, limit=1, count_to=1)
    await read_identity(store.identity)
    await store.read_events(1, limit=10, before=None)
    await store.sessions_page(1, limit=10, after=0)
    await store.newest_events("demo", limit=10)
    await store.find_events("e")
    await store.removal(1)
    await store.walk_contexts(1, 0)
    async with store.transaction() as transaction:
        await transaction.suppressed(["a"])
        await transaction.erasing.suppress_sessions(1, 0)
        await transaction.erasing.remove_events(1)
    await store.retention.position(1)
    await store.retention.count(1)
    await store.retention.oldest(1, 10)
    await store.retention.referred(1, 10)
    for table in ("sessions", "contexts"):
        await store.retention.leave(table, 1, 10, 1, 1, lambda *_: [])
    await store.read_counts(CountsAsked("label", "events", 60_000, 0, 1, None, 12, whole=True))
    await store.sum_up_month(1)
    await store.read_committed(after=0, limit=1, filter_by=LiveFilter())
    await store.newest_number()
    seen.add("SELECT * FROM profile_events WHERE number = ?")
    seen.update([PROFILE_IDS, KEYS, TRAITS, MEMBERS, LINKS, USERS])
    found = {}
    for connection in (store._writer, store._reader, store._background):
        await connection.set_trace_callback(None)
    for sql in seen:
        if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", sql):
            parameters = [None] * len(set(re.findall(r"\?\d*", sql)))
            rows = await store._writer.execute_fetchall(f"EXPLAIN QUERY PLAN {sql}", parameters)
            found[sql] = [row[3] for row in rows]
    await store.close()
    return found


def test_no_table_that_grows_is_scanned(tmp_path: Path) -> None:
    found = asyncio.run(plans(tmp_path / "a.db"))
    assert len(found) > 50
    for sql, plan in found.items():
        for step in plan:
            scanned = re.match(r"SCAN (\w+)", step)
            assert scanned is None or scanned[1] not in GROWING, (step, sql)


def test_a_page_begins_where_the_one_before_ended(tmp_path: Path) -> None:
    """By a search in the index: what was read is not walked through again."""
    found = asyncio.run(plans(tmp_path / "a.db"))
    for sql in (MEMBERS, LINKS, USERS):
        assert re.match(r"SEARCH \w+ USING .*=\? AND \w+>\?", found[sql][1]), found[sql]
