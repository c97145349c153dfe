"""A person of ten thousand devices opens, is drawn in part, and the page goes on answering."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

DEVICES = 10_000
POLICY = "[identity.kinds.user_id]\nmax_profile_ids = 20000\n"


@pytest.fixture
def collector(new_collector: Callable[..., Any], tmp_path: Path) -> Any:
    """A collector that takes no value for shared below 20,000 devices."""
    config = tmp_path / "onetrail.toml"
    config.write_text(POLICY)
    return new_collector("--demo", "--config", str(config)).start()


def add_devices(db: Path) -> None:
    """Devices of the one person there is, straight into the file: to send them takes long."""
    connection = sqlite3.connect(db)
    with connection:
        connection.executemany(
            "INSERT INTO profile_ids (public_id, source, issued_ms, profile)"
            " SELECT ?, source, issued_ms, profile FROM profile_ids WHERE id = 1",
            [(str(uuid4()),) for _ in range(DEVICES - 1)],
        )
        connection.execute(
            "INSERT INTO links (profile_id, key, time_ms, event_id, source)"
            " SELECT profile_ids.id, key, time_ms, event_id, links.source FROM profile_ids, links"
            " WHERE profile_ids.id > 1 AND links.profile_id = 1"
        )
    connection.close()


def test_ten_thousand_devices_are_drawn_as_a_hundred_and_one_for_the_others(
    signed_in: Page, collector: Any
) -> None:
    event = {"id": str(uuid4()), "type": "identify", "properties": {"user_id": "17"}}
    body = {"source": {"id": "demo"}, "session": {"id": "s"}, "events": [event]}
    profile_id = collector.post(body).json()["profile"]["id"]
    collector.stop()
    add_devices(collector.db)
    collector.start()
    assert collector.get(f"/profiles/{profile_id}")["profile_id_count"] == DEVICES
    began_s = time.monotonic()
    signed_in.goto(f"{collector.url}/ui/profiles/{profile_id}")
    expect(signed_in.locator(".node.more")).to_contain_text("9,900 more devices")
    took_s = time.monotonic() - began_s
    expect(signed_in.locator('.node:not(.more)[data-id*="-"]')).to_have_count(100)
    assert took_s < 5, took_s
    began_s = time.monotonic()
    signed_in.locator(".node").first.press("Enter")
    expect(signed_in.locator("#said-by-graph")).to_contain_text("Choose another")
    assert time.monotonic() - began_s < 1.5
    signed_in.locator(".node.more").press("Enter")
    expect(signed_in.locator("#said-by-graph")).to_contain_text("9,900 more devices")
