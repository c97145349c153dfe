"""What every answer has, and what the log says of a request: never what it held."""

import json
import logging
import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from onetrail_collector.endpoint import _client
from onetrail_collector.logs import FewFaults

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def said_after(collector: Any, *words: str) -> str:
    """The log, once it says this: a line follows its answer."""
    deadline_s = time.monotonic() + 10
    while not all(word in collector.said() for word in words):
        assert time.monotonic() < deadline_s, collector.said()
        time.sleep(0.01)
    return str(collector.said())


@pytest.mark.parametrize(
    ("method", "path", "resource_policy"),
    [
        ("POST", "/track", "cross-origin"),
        ("OPTIONS", "/track", "cross-origin"),
        ("GET", "/t.js", "cross-origin"),
        ("GET", "/healthz", "same-origin"),
        ("GET", "/counts", "same-origin"),
        ("GET", "/nowhere", "same-origin"),
        ("GET", "/demo", "same-origin"),
    ],
)
def test_every_answer_is_no_more_than_it_is(
    standing_collector: Any, method: str, path: str, resource_policy: str
) -> None:
    headers = httpx.request(method, standing_collector.url + path).headers
    assert EVERYWHERE.items() <= headers.items()
    assert headers["cross-origin-resource-policy"] == resource_policy
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert policy.startswith("default-src 'self'" if path == "/demo" else "default-src 'none'")
    assert "server" not in headers
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]+", headers["x-request-id"])
    names = [name for name, _ in headers.multi_items()]
    assert len(names) == len(set(names))


def test_request_ids_differ_and_a_strangers_is_not_taken(standing_collector: Any) -> None:
    ids = {
        httpx.get(standing_collector.url + "/healthz", headers={"x-request-id": "mine"}).headers[
            "x-request-id"
        ]
        for _ in range(3)
    }
    assert len(ids) == 3
    assert "mine" not in ids


@pytest.mark.parametrize(
    ("given", "taken"), [("abc-123", True), ("a b", False), ("x" * 129, False)]
)
def test_a_trusted_proxys_request_id_is_taken_if_it_is_fit(
    new_collector: Callable[..., Any],
    tmp_path: Any,
    given: str,
    taken: bool,  # noqa: FBT001
) -> None:
    config = tmp_path / "onetrail.toml"
    config.write_text('[limits]\ntrusted_proxies = ["127.0.0.1"]')
    collector = new_collector("--config", str(config)).start()
    answer = httpx.get(collector.url + "/healthz", headers={"x-request-id": given})
    assert (answer.headers["x-request-id"] == given) is taken


def test_the_access_log_has_no_query_no_id_and_no_secret(
    new_collector: Callable[..., Any],
) -> None:
    collector = new_collector("--demo", "--access-log", "--log-format", "json").start()
    body = {"source": {"id": "demo"}, "events": [{"type": "a", "properties": {"x": "private"}}]}
    profile_id = collector.post(body, authorization="Bearer some-secret").json()["profile"]["id"]
    collector.get("/profiles", key="email:ann@shop.test")
    collector.get(f"/profiles/{profile_id}/events", limit="7")
    httpx.get(f"{collector.url}//profiles/{profile_id}")
    odd = httpx.get(collector.url + "/no%0Awhere?token=quite-secret").headers["x-request-id"]
    said_after(collector, odd)
    lines = [
        json.loads(line)
        for line in collector.said().splitlines()
        if '"answered"' in line and "/healthz" not in line
    ]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("POST", "/track", 200),
        ("GET", "/profiles", 200),
        ("GET", "/profiles/{profile_id}/events", 200),
        ("GET", "/profiles/{profile_id}", 401),
        ("GET", "/no\nwhere", 404),
    ]
    assert lines[-1]["request_id"] == odd
    assert {"time", "level", "logger", "message", "took_ms"} <= lines[0].keys()
    written = collector.said().split("Ctrl-C")[1]  # after the greeting
    for private in ("ann@", "private", "some-secret", "quite-secret", profile_id, collector.token):
        assert private not in written


def test_without_an_access_log_requests_leave_no_line(collector: Any) -> None:
    collector.post({"source": {"id": "demo"}, "events": [{"type": "a"}]})
    collector.get("/counts")
    assert "answered" not in collector.said()


def test_an_event_that_cannot_be_stored_is_logged_with_its_request(collector: Any) -> None:
    other = sqlite3.connect(collector.db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    body = {"source": {"id": "demo"}, "events": [{"type": "a", "properties": {"x": "private"}}]}
    refused = collector.post(body)
    other.execute("ROLLBACK")
    other.close()
    said = said_after(collector, f'request_id="{refused.headers["x-request-id"]}"')
    assert "cannot store events: database is locked" in said
    assert "private" not in said


def test_a_fault_of_ours_is_answered_and_logged_with_its_request(collector: Any) -> None:
    """The tokens' table gone is a fault that no code foresees."""
    with sqlite3.connect(collector.db) as broken:
        broken.execute("ALTER TABLE tokens RENAME TO gone")
    broken.close()
    headers = {"authorization": f"Bearer {collector.token}"}
    answer = httpx.get(collector.url + "/profiles?key=email:ann@shop.test", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (500, "internal")
    said = said_after(collector, f'request_id="{answer.headers["x-request-id"]}"', "status=500")
    assert "no such table: tokens" in said
    assert said.count("Traceback") == 1
    assert "ann@" not in said.split("Ctrl-C")[1]
    assert collector.token not in said.split("Ctrl-C")[1]


def test_a_path_gives_the_terminal_that_shows_the_log_no_command(
    new_collector: Callable[..., Any],
) -> None:
    collector = new_collector("--access-log").start()
    httpx.get(collector.url + "/%1B%5D0;owned%07%C2%9B31m%E2%80%AE")
    said = said_after(collector, "owned")
    assert r"/\u001b]0;owned\u0007\u009b31m\u202e" in said


def test_a_fault_that_repeats_does_not_fill_the_disk_with_lines() -> None:
    few = FewFaults()

    def line(level: int, second: float) -> logging.LogRecord:
        return logging.makeLogRecord({"levelno": level, "created": second})

    written = sum(few.filter(line(logging.ERROR, 1000.0)) for _ in range(5000))
    assert 90 < written <= 100
    assert all(few.filter(line(logging.INFO, 1000.0)) for _ in range(5000))
    later = line(logging.WARNING, 1002.0)
    assert few.filter(later)
    assert vars(later)["fields"] == {"left_out": 5000 - written}


def test_of_a_user_agent_no_more_is_held_than_is_looked_at() -> None:
    """Four thousand of them are remembered, and a header may be 32 kB long."""
    client = _client({"type": "http", "client": None}, {b"user-agent": b"x" * 30_000})
    assert client.user_agent == "x" * 512
