"""What was acknowledged is there once, whatever ends the collector: a kill, a full disk, a stop."""

import asyncio
import json
import os
import random
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest
from tests.conftest import wait_until
from tests.power_cut import recorder

from onetrail_collector.store.database import open_writer

ROUNDS = 20


class Load:
    """Clients that send until told to stop, and note which events were acknowledged."""

    def __init__(self, url: str, clients: int = 4) -> None:
        self.acknowledged: list[str] = []
        self.statuses: set[int] = set()
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        session = str(uuid4())
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                ids = [str(uuid4()) for _ in range(random.randint(1, 20))]  # noqa: S311
                body = {
                    "source": {"id": "demo"},
                    "session": {"id": session},
                    "events": [
                        {"id": i, "type": "identify", "properties": {"user_id": session}}
                        for i in ids
                    ],
                }
                try:
                    answer = client.post(f"{self._url}/track", json=body)
                except httpx.TransportError:
                    time.sleep(0.01)
                    continue
                self.statuses.add(answer.status_code)
                if answer.status_code == 200:
                    self.acknowledged += ids


def stored_once(collector: Any, ids: list[str]) -> bool:
    stored = [row[0] for row in collector.rows("SELECT event_id FROM events")]
    return len(stored) == len(set(stored)) and set(ids) <= set(stored)


def test_kill_9_under_load_loses_nothing_acknowledged(new_collector: Callable[..., Any]) -> None:
    """Twenty rounds, each ended at a random moment."""
    collector = new_collector("--demo").start()
    acknowledged: list[str] = []
    for _ in range(ROUNDS):
        with Load(collector.url) as load:
            time.sleep(random.uniform(0.05, 0.4))  # noqa: S311 - the random moment
            collector.kill()
        acknowledged += load.acknowledged
        collector.start()
        assert stored_once(collector, acknowledged)
    assert len(acknowledged) > ROUNDS
    assert collector.rows("PRAGMA integrity_check") == [("ok",)]
    assert collector.rows("PRAGMA foreign_key_check") == []


def test_sigterm_under_load_answers_what_it_stored(new_collector: Callable[..., Any]) -> None:
    collector = new_collector("--demo").start()
    with Load(collector.url) as load:
        time.sleep(0.5)
        collector.stop(signal.SIGTERM)
    stored = [row[0] for row in collector.rows("SELECT event_id FROM events")]
    assert sorted(stored) == sorted(load.acknowledged)
    assert "everything accepted is stored" in collector.said()


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


def test_a_full_disk_is_said_and_ends_when_space_returns(
    new_collector: Callable[..., Any], small_disk: Path
) -> None:
    collector = new_collector("--demo", db=small_disk / "collector.db").start()
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize))
    acknowledged: list[str] = []

    def send() -> httpx.Response:
        ids = [str(uuid4()) for _ in range(20)]
        events = [{"id": i, "type": "a", "properties": {"x": "y" * 2000}} for i in ids]
        answer: httpx.Response = collector.post({"source": {"id": "demo"}, "events": events})
        if answer.status_code == 200:
            acknowledged.extend(ids)
        return answer

    answers = [send() for _ in range(30)]
    refused = answers[-1]
    assert (refused.status_code, refused.json()["error"]) == (503, "busy")
    assert int(refused.headers["retry-after"]) > 0
    assert httpx.get(collector.url + "/healthz").status_code == 200
    filler.unlink()
    assert send().status_code == 200
    assert stored_once(collector, acknowledged)
    assert collector.rows("PRAGMA integrity_check") == [("ok",)]


def test_a_locked_file_is_said_and_ends_with_the_lock(collector: Any) -> None:
    """Another process, as a backup tool or a shell, holds the file longer than anybody waits."""
    body = {"source": {"id": "demo"}, "events": [{"id": "one", "type": "a"}]}
    holder = sqlite3.connect(collector.db, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    refused = collector.post(body)
    assert (refused.status_code, refused.json()["error"]) == (503, "busy")
    assert int(refused.headers["retry-after"]) > 0
    assert httpx.get(collector.url + "/healthz").status_code == 200
    holder.close()
    assert collector.post(body).json()["accepted"] == 1
    assert stored_once(collector, ["one"])


def test_answers_cut_off_after_the_commit_and_retried_store_once(collector: Any) -> None:
    """The event is on disk, the client has gone without its answer and comes back."""
    for number in range(ROUNDS):
        body = {"source": {"id": "demo"}, "events": [{"id": f"e{number}", "type": "a"}]}
        content = json.dumps(body).encode()
        head = f"POST /track HTTP/1.1\r\nhost: x\r\ncontent-length: {len(content)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", collector.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(head.encode() + content)
            wait_until(
                partial(collector.rows, "SELECT 1 FROM events WHERE event_id = ?", f"e{number}"),
                "the commit",
            )
        retried = collector.post(body).json()
        assert (retried["accepted"], retried["duplicates"]) == (0, 1)
    assert stored_once(collector, [f"e{number}" for number in range(ROUNDS)])


def test_two_collectors_on_one_file_stay_right(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    """Each waits for the other, and their numbers do not clash."""
    db = tmp_path / "one.db"
    collectors = [new_collector("--demo", db=db).start() for _ in range(2)]
    with Load(collectors[0].url, 2) as one, Load(collectors[1].url, 2) as other:
        time.sleep(0.5)
    assert {*one.statuses, *other.statuses} <= {200, 503}
    assert stored_once(collectors[0], one.acknowledged + other.acknowledged)


def test_a_backup_made_while_it_runs_is_a_collector_of_its_own(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    collector = new_collector("--demo").start()
    with Load(collector.url) as load:
        time.sleep(0.3)
        before = list(load.acknowledged)
        said = collector.run("backup", str(tmp_path / "backup.db"))
    assert "checked" in said
    assert not (tmp_path / "backup.db.part").exists()
    restored = new_collector("--demo", db=tmp_path / "backup.db").start()
    assert stored_once(restored, before)
    assert restored.post({"source": {"id": "demo"}, "events": [{"type": "a"}]}).status_code == 200


def test_a_backup_never_overwrites(collector: Any, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        collector.run("backup", str(target))
    assert "never overwrites" in caught.value.stderr
    assert target.read_text() == "mine"


def test_check_finds_a_damaged_page(collector: Any) -> None:
    assert "sound" in collector.run("check")
    events = [{"type": "a", "properties": {"x": "y" * 500}} for _ in range(200)]
    collector.post({"source": {"id": "demo"}, "events": events})
    collector.stop()
    with collector.db.open("r+b") as file:
        file.seek(-3 * 4096, os.SEEK_END)
        file.write(b"\xff" * 4096)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        collector.run("check")
    assert "restore a backup" in caught.value.stderr


def test_vacuum_gives_space_back_while_it_runs(collector: Any) -> None:
    events = [{"type": "a", "properties": {"x": "y" * 1000}} for _ in range(500)]
    collector.post({"source": {"id": "demo"}, "events": events})
    with sqlite3.connect(collector.db) as connection:
        connection.execute("DELETE FROM events")
    connection.close()
    sizes = re.findall(r"([\d,]+) (?:bytes before|after)", collector.run("vacuum"))
    before, after = (int(size.replace(",", "")) for size in sizes)
    assert after < before / 2
    assert collector.post({"source": {"id": "demo"}, "events": [{"type": "a"}]}).status_code == 200


def test_a_read_only_file_is_said(new_collector: Callable[..., Any], tmp_path: Path) -> None:
    """A file that cannot be written stops the start; root may write to anything but this mount."""
    collector = new_collector("--demo").start()
    collector.stop()
    folder = tmp_path / "mounted"
    folder.mkdir()
    bind = ["mount", "--bind", "-o", "ro", str(collector.db.parent), str(folder)]
    if subprocess.run(bind, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a folder read-only needs root")
    try:
        command = new_collector("--demo", db=folder / collector.db.name).command("serve")
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    assert done.returncode == 1
    assert "cannot" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("durability", "syncs"), [("full", 2), ("normal", 1)])
def test_durability_is_what_the_option_says(tmp_path: Path, durability: str, syncs: int) -> None:
    async def synchronous() -> int:
        writer = await open_writer(tmp_path / "a.db", synchronous=durability)
        [(value,)] = await writer.execute_fetchall("PRAGMA synchronous")
        await writer.close()
        return int(value)

    assert asyncio.run(synchronous()) == syncs


def test_a_power_cut_loses_nothing_acknowledged(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    """Recorded once, and cut at many moments: whichever part of the unsynced reached the disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    recorded = recorder(folder, tmp_path / "trace")
    collector = new_collector("--demo", db=folder / "collector.db")
    plain = collector.command
    collector.command = lambda *words: [*recorded.command, *plain(*words)]
    collector.start()
    sent = [[f"{number}-{of}" for of in range(number % 7 + 1)] for number in range(40)]
    for ids in sent:
        events = [{"id": i, "type": "identify", "properties": {"user_id": "7"}} for i in ids]
        body = {"source": {"id": "demo"}, "session": {"id": ids[0]}, "events": events}
        assert collector.post(body).status_code == 200
    collector.get("/counts")  # so that the call that sent the last answer has returned
    collector.kill()
    answered = 0
    for cut in recorded.cuts(seed=17, moments=40):
        answered = cut.said.count(b'"accepted":')
        found = sqlite3.connect(cut.restore(tmp_path / "found") / "collector.db")
        assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if answered:
            stored = {row[0] for row in found.execute("SELECT event_id FROM events")}
            assert {i for ids in sent[:answered] for i in ids} <= stored
        found.close()
    assert answered == len(sent)
