"""What is stored of profiles equals resolve() from scratch, whatever the order or batching."""

import asyncio
import json
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from onetrail_collector.identity.keys import BUILT_IN_KINDS, Key, Kind
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link, resolve
from onetrail_collector.ingest import Ingest
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.wire.envelope import Envelope, Event

KINDS = {kind.name: kind for kind in BUILT_IN_KINDS} | {
    "email": Kind("email", normaliser="text", priority=20, max_profile_ids=3),
    "phone": Kind("phone", normaliser="text", priority=30),
}
POLICY = Policy(kinds=KINDS)

# One step: a device (a session of its own) says who it is, at some time of its clock.
steps = st.lists(
    st.tuples(
        st.integers(1, 6),
        st.sampled_from(["user_id", "email", "phone"]),
        st.sampled_from("pqr"),
        st.integers(0, 5),
    ),
    max_size=25,
)


def envelope(number: int, step: tuple[int, str, str, int]) -> Envelope:
    device, kind, value, time_ms = step
    event = Event(0, f"event-{number}", "identify", json.dumps({kind: value}), time_ms)
    return Envelope("demo", [event], session=f"session-{device}")


async def ingest_all(path: Path, batches: list[list[Envelope]]) -> None:
    """Each batch is sent at once, so that its envelopes share a commit."""
    store = await SqliteStore.open(path)
    await store.add_source("demo", name="demo", origins=[], now_ms=0)
    ingest = Ingest(store, POLICY, clock=lambda: 1000)
    ingest.start()
    for batch in batches:
        await asyncio.gather(*(ingest.submit(one) for one in batch))
    await ingest.close()
    await store.close()


def stored(path: Path) -> tuple[list[Link], dict[int, int], dict[tuple[int, Key], str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT profile_id, kind, value, time_ms, event_id, ifnull(inactive, refused)"
        " FROM links JOIN keys ON keys.id = links.key"
    ).fetchall()
    profiles = dict(
        connection.execute(
            "SELECT id, min(id) OVER (PARTITION BY profile) FROM profile_ids"
        ).fetchall()
    )
    connection.close()
    links = [Link(row[0], Key(row[1], row[2]), row[3], row[4]) for row in rows]
    refused = {(row[0], Key(row[1], row[2])): row[5] for row in rows if row[5]}
    return links, profiles, refused


@settings(max_examples=60, deadline=None)
@given(steps, st.lists(st.integers(1, 5), min_size=25, max_size=25))
def test_incremental_equals_from_scratch(
    history: list[tuple[int, str, str, int]], sizes: list[int]
) -> None:
    envelopes = [envelope(number, step) for number, step in enumerate(history)]
    batches = []
    for size in sizes:
        batches.append(envelopes[:size])
        envelopes = envelopes[size:]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.db"
        asyncio.run(ingest_all(path, batches))
        links, profiles, refused = stored(path)
    scratch = resolve(links, (), POLICY)
    assert profiles == {number: number for number in profiles} | dict(scratch.profiles)
    assert refused == scratch.refused


@settings(max_examples=25, deadline=None)
@given(steps.map(lambda history: [s for s in history if s[1] != "user_id"]), st.randoms())
def test_the_order_of_arrival_does_not_change_who_is_who(
    history: list[tuple[int, str, str, int]], random: object
) -> None:
    """Devices grouped into profiles, for the same evidence in two orders and two batchings."""
    first = [envelope(number, step) for number, step in enumerate(history)]
    second = [envelope(number, step) for number, step in enumerate(history)]
    random.shuffle(second)  # type: ignore[attr-defined]
    with TemporaryDirectory() as folder:
        one, other = Path(folder) / "1.db", Path(folder) / "2.db"
        asyncio.run(ingest_all(one, [[envelope] for envelope in first]))
        asyncio.run(ingest_all(other, [second]))
        assert devices_by_profile(one) == devices_by_profile(other)


def devices_by_profile(path: Path) -> set[frozenset[str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT profile, group_concat(sessions.public_id) FROM profile_ids"
        " JOIN sessions ON sessions.profile_id = profile_ids.id GROUP BY profile"
    ).fetchall()
    connection.close()
    return {frozenset(row[1].split(",")) for row in rows}
