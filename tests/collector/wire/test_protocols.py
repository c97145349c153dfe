"""Other people's protocols on a real collector, by golden exchanges.

    tests/wire/<protocol>/<name>.json
    {"about": …, "request": {"method", "path", "headers", "body"}, "status": …, "response": …,
     "stored": [<some fields of each event, in the order of arrival>], "profiles": <how many>,
     "traits": <all of them, if given>}

A body that is "packed" is compressed first. A response that is a text is the answer's content
type; in a stored event a field that is not named is not compared.
Each exchange has a collector of its own: uvicorn in this process, because there are many.
"""

import gzip
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from tests.conftest import wait_until

from onetrail_collector.app import create_app
from onetrail_collector.settings import Settings

WIRE = Path(__file__).parents[2] / "wire"
EXCHANGES = sorted(WIRE.glob("*/*.json"))


def fits(golden: Any, found: Any) -> bool:
    """Whether it is the golden value; "<text>" stands for any text, absent fields for anything."""
    if golden == "<text>":
        return isinstance(found, str) and found != ""
    if isinstance(golden, dict):
        return isinstance(found, dict) and all(
            name in found and fits(value, found[name]) for name, value in golden.items()
        )
    if isinstance(golden, list):
        return len(golden) == len(found) and all(map(fits, golden, found))
    return bool(golden == found)


class Served:
    """A collector on a file, with the source `demo`."""

    def __init__(self, db: Path, token: str, server: uvicorn.Server) -> None:
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        self._db = db
        self._token = token

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self._db}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path, headers={"authorization": f"Bearer {self._token}"})
        return answer.raise_for_status().json()


@pytest.fixture
def served(begun: Any, tmp_path: Path) -> Iterator[Served]:
    db = tmp_path / "collector.db"
    shutil.copy(begun.db, db)
    app = create_app(Settings(db, durability="normal"))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started, "the collector to listen")
    yield Served(db, begun.token, server)
    server.should_exit = True
    thread.join(20)


def stored(collector: Served) -> list[dict[str, Any]]:
    rows = collector.rows(
        "SELECT event_id, type, properties, coalesce(context, body, '{}'), time_ms, s.public_id"
        " FROM events JOIN sessions s ON s.id = session LEFT JOIN contexts c ON c.id = context_id"
        " ORDER BY events.id"
    )
    return [
        {
            "id": row[0],
            "type": row[1],
            "properties": json.loads(row[2]),
            "context": json.loads(row[3]),
            "time_ms": row[4],
            "session": row[5],
        }
        for row in rows
    ]


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_golden_exchanges_of_other_protocols(served: Served, path: Path) -> None:
    exchange = json.loads(path.read_text())
    request = exchange["request"]
    body = request.get("body", b"")
    content = body.encode() if isinstance(body, str) else body and json.dumps(body).encode()
    answer = httpx.request(
        request["method"],
        served.url + request["path"],
        headers=request.get("headers", {}),
        content=gzip.compress(content) if request.get("packed") == "gzip" else content,
        timeout=20,
    )
    assert answer.status_code == exchange["status"], answer.text
    if isinstance(exchange["response"], str):
        assert answer.headers["content-type"] == exchange["response"]
    else:
        assert fits(exchange["response"], answer.json()), answer.json()
    found = stored(served)
    assert fits(exchange["stored"], found), found
    ids = served.rows("SELECT count(DISTINCT profile) FROM profile_ids")
    assert ids == [(exchange["profiles"],)]
    if "traits" in exchange:
        id_ = served.rows("SELECT public_id FROM profile_ids ORDER BY id")[0][0]
        held = served.get(f"/profiles/{id_}")["traits"]
        assert {name: trait["value"] for name, trait in held.items()} == exchange["traits"]
        assert all(trait["time"].startswith("2026") for trait in held.values())
