"""What is kept of a client's connection and headers: no more than the operator has allowed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from onetrail_collector.enrichment import browser, crawler, kept_address, place

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def client(collector: Any, user_agent: str, source: str = "demo") -> Any:
    session = str(uuid4())
    body = {"source": {"id": source}, "session": {"id": session}, "events": [{"type": "x"}]}
    answer = collector.post(body, **{"user-agent": user_agent})
    assert answer.status_code == 200, answer.text
    [(stored,)] = collector.rows("SELECT client FROM sessions WHERE public_id = ?", session)
    return None if stored is None else json.loads(stored)


def config(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


@pytest.fixture
def geoip(tmp_path: Path) -> Path:
    """A real file in MaxMind's format, which places this machine in Chur."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="GeoLite2-City")
    chur = {
        "country": {"iso_code": "CH"},
        "subdivisions": [{"iso_code": "GR"}],
        "city": {"names": {"en": "Chur", "de": "Chur"}},
        "location": {"latitude": 46.85, "longitude": 9.53},
    }
    writer.insert_network(IPSet(["127.0.0.0/8"]), chur)
    path = tmp_path / "city.mmdb"
    writer.to_db_file(str(path))
    return path


def test_by_default_neither_address_nor_user_agent_is_stored(collector: Any) -> None:
    found = client(collector, IPHONE)
    assert found == {
        "browser": {"name": "Mobile Safari", "version": "17"},
        "os": {"name": "iOS", "version": "17"},
        "device": "iPhone",
    }
    assert client(collector, "onetrail-python/1.0") is None
    dump = b"".join(path.read_bytes() for path in collector.db.parent.glob("collector*.db*"))
    assert b"127.0.0.1" not in dump
    assert b"AppleWebKit" not in dump


@pytest.mark.parametrize(("ip", "stored"), [("truncated", "127.0.0.0/24"), ("full", "127.0.0.1")])
def test_an_address_is_stored_as_far_as_allowed(
    new_collector: Callable[..., Any], tmp_path: Path, ip: str, stored: str
) -> None:
    path = config(tmp_path / "c.toml", f'[privacy]\nip = "{ip}"\nuser_agents = false\n')
    collector = new_collector("--demo", "--config", path).start()
    assert client(collector, IPHONE) == {"ip": stored}


def test_a_place_is_kept_without_its_address(
    new_collector: Callable[..., Any], tmp_path: Path, geoip: Path
) -> None:
    path = config(tmp_path / "c.toml", f'[privacy]\ngeoip = "{geoip}"\n')
    collector = new_collector("--demo", "--config", path).start()
    found = client(collector, IPHONE)
    assert found["place"] == {"country": "CH", "region": "GR", "city": "Chur"}
    assert "ip" not in found
    [row] = collector.rows("SELECT browser, os, device, country, city, bot FROM sessions_summary")
    assert row == ("Mobile Safari", "iOS", "iPhone", "CH", "Chur", None)


def test_crawlers_are_marked_kept_or_refused_by_source(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    text = '[privacy.sources.web]\nbots = "refuse"\n[privacy.sources.shop]\nbots = "keep"\n'
    collector = new_collector("--demo", "--config", config(tmp_path / "c.toml", text))
    collector.run("sources", "add", "web")
    collector.run("sources", "add", "shop")
    collector.start()
    assert client(collector, GOOGLEBOT)["bot"] == "Googlebot"
    assert collector.rows("SELECT bot FROM sessions_summary") == [("Googlebot",)]
    refused = collector.post(
        {"source": {"id": "web"}, "events": [{"type": "x"}]}, **{"user-agent": GOOGLEBOT}
    )
    assert (refused.status_code, refused.json()["error"]) == (403, "bot")
    assert "bot" not in client(collector, GOOGLEBOT + "/", "shop")
    assert client(collector, IPHONE, "web")["device"] == "iPhone"
    metrics = httpx.get(
        f"{collector.url}/metrics", headers={"authorization": f"Bearer {collector.token}"}
    ).text
    assert "onetrail_bots_marked 1.0" in metrics
    assert "onetrail_bots_refused 1.0" in metrics


def test_a_file_that_is_not_there_is_said_before_anything_starts(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    collector = new_collector("--set", f"privacy.geoip={tmp_path}/none.mmdb")
    with pytest.raises(AssertionError, match=r"privacy\.geoip: there is no file"):
        collector.start()


@pytest.mark.parametrize(
    ("address", "truncated"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::77", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("a-socket", None),
    ],
)
def test_addresses_are_truncated(address: str, truncated: str | None) -> None:
    assert kept_address(address, "truncated") == truncated
    assert kept_address(address, "none") is None


@pytest.mark.parametrize("user_agent", ["", "\x00", "Mozilla/" + "(" * 100_000, "Mozilla/5.0 ()"])
def test_odd_user_agents_do_no_harm(user_agent: str) -> None:
    browser(user_agent)
    crawler(user_agent)


@pytest.mark.parametrize("record", [None, 3, {}, {"city": {}}, {"subdivisions": []}])
def test_odd_records_are_no_place(record: Any) -> None:
    assert place(record) is None
