"""Alive, ready, measured: what machines ask of a running collector."""

import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics


def metrics(collector: Any) -> dict[str, float]:
    """Each sample as Prometheus' own parser reads it: `name{label="value"}` -> value."""
    answer = httpx.get(
        f"{collector.url}/metrics", headers={"authorization": f"Bearer {collector.token}"}
    )
    assert answer.status_code == 200, answer.text
    return {
        "".join(
            [sample.name, *(f'{{{name}="{value}"}}' for name, value in sample.labels.items())]
        ): (sample.value)
        for family in parser.text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def send(collector: Any, *events: dict[str, Any], **fields: Any) -> httpx.Response:
    body = {"source": {"id": "demo"}, "events": list(events), **fields}
    answer: httpx.Response = collector.post(body)
    return answer


def test_metrics_say_what_became_of_events_and_requests(collector: Any) -> None:
    event = {"type": "a", "id": str(uuid4())}
    send(collector, event, {"type": "b"}, {"type": 3})
    send(collector, event)
    send(collector, {"type": "a"}, source={"id": "ghost"})
    collector.post(b"{")
    for device in range(2):
        known = {"type": "identify", "properties": {"email": "ann@shop.test"}}
        send(collector, known, session={"id": f"s{device}"})
    send(collector, {"type": "identify", "properties": {"email": "null", "user_id": "guest"}})

    found = metrics(collector)
    assert found['onetrail_events_total{result="stored"}'] == 5
    assert found['onetrail_events_total{result="duplicate"}'] == 1
    assert found['onetrail_events_total{result="rejected"}'] == 1
    assert found['onetrail_events_rejected_total{code="wrong_shape"}'] == 1
    assert found['onetrail_requests_refused_total{code="unknown_source"}'] == 1
    assert found['onetrail_requests_refused_total{code="not_json"}'] == 1
    assert found['onetrail_http_answers_total{status="401"}'] == 1
    assert found['onetrail_http_answers_total{status="400"}'] == 1
    assert found['onetrail_http_answers_total{status="200"}'] >= 4
    assert found["onetrail_commit_events_sum"] == 5
    assert found["onetrail_commit_seconds_count"] == found["onetrail_commit_events_count"] == 6
    assert 0 < found["onetrail_commit_seconds_sum"] < 5
    assert found["onetrail_identity_moved_total"] == 1
    assert found['onetrail_identity_blocked_total{kind="user_id"}'] == 1
    assert found['onetrail_identity_blocked_total{kind="email"}'] == 1
    assert found["onetrail_queue_requests"] == found["onetrail_queue_bytes"] == 0
    assert found["onetrail_database_bytes"] == collector.db.stat().st_size
    assert found["onetrail_disk_free_bytes"] > 0
    assert found["process_resident_memory_bytes"] > 1_000_000


def test_metrics_name_nobody(collector: Any) -> None:
    person = {"type": "secret-type", "properties": {"email": "ann@shop.test"}}
    profile = send(collector, person, {"type": 1, "id": "my-id"}).json()["profile"]["id"]
    headers = {"authorization": f"Bearer {collector.token}"}
    said = httpx.get(f"{collector.url}/metrics", headers=headers).text
    for word in ("ann@", "secret-type", "my-id", profile, collector.token, "demo"):
        assert word not in said


def test_metrics_need_a_token_unless_they_are_public(
    collector: Any, new_collector: Callable[..., Any]
) -> None:
    answer = httpx.get(f"{collector.url}/metrics")
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")
    public = new_collector("--set", "metrics.public=true").start()
    answer = httpx.get(
        f"{public.url}/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert list(openmetrics.text_string_to_metric_families(answer.text))


def ready(collector: Any) -> tuple[int, str]:
    answer = httpx.get(f"{collector.url}/readyz", timeout=10)
    body = answer.json()
    return answer.status_code, body.get("detail", body.get("status"))


def until_ready_is(collector: Any, status: int, *, deadline_s: float = 10) -> str:
    end = time.monotonic() + deadline_s
    while (found := ready(collector))[0] != status:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found[1]


def test_ready_is_asked_often_and_writes_seldom(collector: Any) -> None:
    """Two hundred askers in well under a second: one or two writes of a page to the log."""
    assert ready(collector) == (200, "ready")
    wal = collector.db.with_name(f"{collector.db.name}-wal")
    before = wal.stat().st_size
    with httpx.Client() as client:
        for _ in range(200):
            assert client.get(f"{collector.url}/readyz").status_code == 200
    assert wal.stat().st_size - before <= 4 * 4200


def test_a_locked_file_is_not_ready_and_later_is_again(collector: Any) -> None:
    send(collector, {"type": "a"})
    with sqlite3.connect(collector.db, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        asked_s = time.monotonic()
        reason = until_ready_is(collector, 503)
        assert time.monotonic() - asked_s < 5
        assert "longer than 2 s" in reason or "locked" in reason
        assert httpx.get(f"{collector.url}/healthz").status_code == 200  # alive all the same
        other.execute("ROLLBACK")
    other.close()
    assert until_ready_is(collector, 200) == "ready"
    assert send(collector, {"type": "a"}).status_code == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_not_ready_and_says_so(
    new_collector: Callable[..., Any], small_disk: Path
) -> None:
    collector = new_collector("--demo", db=small_disk / "full.db").start()
    assert ready(collector) == (200, "ready")
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError:
            pass
    assert "full" in until_ready_is(collector, 503)
    answer = httpx.get(f"{collector.url}/readyz")
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"] == "not_ready"
    ballast.unlink()
    assert until_ready_is(collector, 200) == "ready"


def test_every_metric_in_the_docs_is_one(collector: Any) -> None:
    """Alerts on a name that is misspelt never fire."""
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    named = set(re.findall(r"\bonetrail_[a-z_]+[a-z]", page))
    headers = {"authorization": f"Bearer {collector.token}"}
    said = httpx.get(f"{collector.url}/metrics", headers=headers).text
    exposed = set(re.findall(r"^# TYPE (onetrail_\w+?)(?<!_created) ", said, re.MULTILINE))
    assert named == exposed, "docs/operations.md lists what /metrics exposes"
