"""Who is told of a refused link: the operator, the source's server; a stranger learns nothing."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onetrail_collector.identity.keys import BUILT_IN_KINDS
from onetrail_collector.identity.policy import Policy
from onetrail_collector.ingest import Ingest
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.wire.envelope import Envelope, Event, Receipt

KINDS = {kind.name: kind for kind in BUILT_IN_KINDS}
ADDRESS = "ann@shop.test"


def identify(session: str, *said: str, trusted: bool = False) -> Envelope:
    events = [
        Event(index, f"{session}-{index}-{trusted}", "identify", properties)
        for index, properties in enumerate(said)
    ]
    return Envelope("web", events, session=session, trusted=trusted)


async def run(db: Path, policy: Policy, *envelopes: Envelope) -> list[Receipt]:
    store = await SqliteStore.open(db)
    await store.add_source("web", name="web", origins=[], now_ms=0)
    ingest = Ingest(store, policy, lambda: 1_000)
    ingest.start()
    try:
        return [await ingest.submit(envelope) for envelope in envelopes]
    finally:
        await ingest.close()
        await store.close()


def told(receipt: Receipt) -> list[str]:
    return [warning.detail for warning in receipt.warnings if warning.warning == "link_refused"]


async def another_customers_address(db: Path) -> list[Receipt]:
    return await run(
        db,
        Policy(),
        identify("a", f'{{"user_id": "17", "email": "{ADDRESS}"}}'),
        identify("b", f'{{"user_id": "18", "email": "{ADDRESS}"}}'),
        identify("c", f'{{"user_id": "19", "email": "{ADDRESS}"}}', trusted=True),
    )


def test_that_an_address_is_another_customers_is_told_to_a_server_alone(tmp_path: Path) -> None:
    first, stranger, server = asyncio.run(another_customers_address(tmp_path / "t.db"))
    assert (told(first), told(stranger)) == ([], [])
    [sentence] = told(server)
    assert "its email joins nobody: exclusive" in sentence
    assert ADDRESS not in sentence
    assert "17" not in sentence


def test_that_an_address_is_shared_is_told_to_a_server_alone(tmp_path: Path) -> None:
    kinds = {**KINDS, "email": replace(KINDS["email"], max_profile_ids=1)}
    properties = f'{{"email": "{ADDRESS}"}}'
    _, stranger, server = asyncio.run(
        run(
            tmp_path / "t.db",
            Policy(kinds=kinds),
            identify("a", properties),
            identify("b", properties),
            identify("c", properties, trusted=True),
        )
    )
    assert told(stranger) == []
    assert "shared" in told(server)[0]


@pytest.mark.parametrize("values", [2, 3])
def test_a_device_learns_of_the_limit_that_it_reached_itself(tmp_path: Path, values: int) -> None:
    kinds = {**KINDS, "email": replace(KINDS["email"], max_values=2)}
    said = [f'{{"email": "{number}@shop.test"}}' for number in range(values)]
    [receipt] = asyncio.run(run(tmp_path / "t.db", Policy(kinds=kinds), identify("a", *said)))
    assert len(told(receipt)) == max(0, values - 2)


def test_not_of_the_limit_that_others_reached(tmp_path: Path) -> None:
    kinds = {**KINDS, "email": replace(KINDS["email"], max_values=2)}
    receipts: list[Any] = asyncio.run(
        run(
            tmp_path / "t.db",
            Policy(kinds=kinds),
            identify("a", '{"email": "1@shop.test", "user_id": "7"}', '{"email": "2@shop.test"}'),
            identify("b", '{"user_id": "7"}', '{"email": "3@shop.test"}'),
        )
    )
    assert [told(receipt) for receipt in receipts] == [[], []]


def test_a_device_is_told_of_the_links_above_the_bound_that_are_not_kept(tmp_path: Path) -> None:
    """A value that it keeps may come again without a warning."""
    address = '{{"email": "p{}@shop.test"}}'.format
    thousand = [identify("a", *(address(n) for n in range(1_000)))]
    again = Envelope("web", [Event(0, "again", "identify", address(3))], session="a")
    more = Envelope("web", [Event(0, "more", "identify", address(1_000))], session="a")
    receipts = asyncio.run(run(tmp_path / "a.db", Policy(), *thousand, again, more))
    assert told(receipts[1]) == []
    assert len(told(receipts[2])) == 1
