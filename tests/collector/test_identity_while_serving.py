"""The worst that links can do, beside a collector that runs: it answers, and ends up right."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from tests.collector.store.test_histories import compare
from tests.conftest import wait_until

from onetrail_collector.identity.keys import BUILT_IN_KINDS
from onetrail_collector.identity.policy import Policy

DEVICES = 8_000  # more than a commit may resolve
FROM_THE_CHAIN = 20
KIOSK = "+41441234567"
CHAIN = f"""
    INSERT INTO profile_ids (public_id, source, issued_ms, profile)
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {DEVICES})
    SELECT 'device-' || n, 1, 0, 1 FROM n;
    INSERT INTO keys (id, kind, value, profile)
    SELECT id, 'email', 'k' || id || '@trail.ch', 1 FROM profile_ids WHERE id < {DEVICES};
    INSERT INTO links SELECT id, id, 2 * id, 'e', 1, NULL FROM profile_ids WHERE id < {DEVICES};
    INSERT INTO links
    SELECT id + 1, id, 2 * id + 1, 'f', 1, NULL FROM profile_ids WHERE id < {DEVICES};
"""  # noqa: S608 - our own number
SHARED = f"""
    INSERT INTO profile_ids (public_id, source, issued_ms, profile)
    WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {DEVICES})
    SELECT 'device-' || n, 1, 0, n FROM n;
    INSERT INTO keys (id, kind, value) VALUES (1, 'phone', '{KIOSK}');
    INSERT INTO links SELECT id, 1, id, 'e', 1, NULL FROM profile_ids;
"""  # noqa: S608 - our own number


def seeded(collector: Any, script: str) -> None:
    """Put rows into the file of a collector that does not run."""
    collector.start()
    wait_until(lambda: applied(collector), "the policy to be noted")
    collector.kill()
    connection = sqlite3.connect(collector.db)
    connection.executescript(script)
    connection.close()


def identify(client: httpx.Client, url: str, *identities: dict[str, str], **fields: Any) -> str:
    """Identify events of one device, which are all stored; answers its profile ID."""
    events = [
        {"id": str(uuid4()), "type": "identify", "properties": identity} for identity in identities
    ]
    answer = client.post(f"{url}/track", json={"source": {"id": "demo"}, "events": events} | fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == len(events)
    profile_id: str = answer.json()["profile"]["id"]
    return profile_id


def test_a_policy_that_cuts_a_chain_is_applied_while_events_are_answered(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    """Device, value, device...: one profile of eight thousand, then of twenty values each.

    Strangers identify all the time, and at first devices of the chain, too.
    """
    config = tmp_path / "onetrail.toml"
    config.write_text("[identity.kinds.email]\nmax_profile_ids = 50\n")
    lenient = new_collector("--demo")
    seeded(lenient, CHAIN)
    before = applied(lenient)
    collector = new_collector("--demo", "--config", str(config), db=lenient.db).start()
    end, answered = time.monotonic() + 60, 0
    with httpx.Client(timeout=10) as client:
        while applied(collector) == before or collector.rows("SELECT 1 FROM unsettled LIMIT 1"):
            assert time.monotonic() < end
            identify(client, collector.url, {"email": f"s{answered}@trail.ch"})
            if answered < FROM_THE_CHAIN:
                device = {"profile": {"id": f"device-{1 + answered * 7}"}}
                identify(client, collector.url, {"phone": f"+4179{answered:07d}"}, **device)
            answered += 1
    assert answered > FROM_THE_CHAIN
    collector.kill()
    kinds = {kind.name: kind for kind in BUILT_IN_KINDS}
    kinds["email"] = replace(kinds["email"], max_profile_ids=50)
    compare(collector.db, Policy(kinds=kinds))
    [(largest,)] = collector.rows(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM keys WHERE profile IS NOT NULL"
        " GROUP BY profile, kind)"
    )
    assert largest <= kinds["email"].max_values


def test_a_value_on_very_many_devices_joins_no_more_of_them(
    new_collector: Callable[..., Any],
) -> None:
    collector = new_collector("--demo")
    seeded(collector, SHARED)
    collector.start()
    with httpx.Client(timeout=10) as client:
        ids = {identify(client, collector.url, {"phone": KIOSK}) for _ in range(20)}
    assert all(collector.get(f"/profiles/{one}")["profile_id_count"] == 1 for one in ids)
    [shared] = collector.get("/identity/shared")["keys"]
    assert shared["key"] == {"kind": "phone", "value": KIOSK}


def test_one_device_with_ten_thousand_values_hinders_nobody(collector: Any) -> None:
    """Each is answered, a thousand are kept, and what others send in between is stored."""
    session = {"session": {"id": str(uuid4())}}
    with httpx.Client(timeout=10) as client:
        for start in range(0, 10_000, 100):
            values = [{"email": f"k{n}@trail.ch"} for n in range(start, start + 100)]
            flooding = identify(client, collector.url, *values, **session)
            identify(client, collector.url, {"email": f"stranger{start}@trail.ch"})
    [(kept,)] = collector.rows("SELECT count(*) FROM links WHERE profile_id = 1")
    assert kept == 1_000
    assert collector.get(f"/profiles/{flooding}")["profile_id_count"] == 1


def applied(collector: Any) -> list[tuple[Any, ...]]:
    """Under which policy all profiles are resolved."""
    rows: list[tuple[Any, ...]] = collector.rows(
        "SELECT value FROM identity_state WHERE name = 'policy'"
    )
    return rows
