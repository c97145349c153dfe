"""The example that follows the changes knows what the collector knows, also after a restart."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "follow_changes.py"


def device(collector: Any) -> str:
    event = {"type": "identify", "properties": {"email": "ann@trail.ch"}}
    body = {"source": {"id": "demo"}, "session": {"id": str(uuid4())}, "events": [event]}
    profile_id: str = collector.post(body).json()["profile"]["id"]
    return profile_id


def test_the_records_have_the_public_ids_of_the_collector(collector: Any, tmp_path: Path) -> None:
    def follow() -> dict[str, str]:
        subprocess.run(
            [sys.executable, "-W", "error", EXAMPLE],
            cwd=tmp_path,
            env={**os.environ, "ADMIN_TOKEN": collector.token, "COLLECTOR": collector.url},
            check=True,
            timeout=30,
        )
        records: dict[str, str] = json.loads((tmp_path / "changes.json").read_text())["records"]
        return records

    def known(*profile_ids: str) -> dict[str, str]:
        return {one: collector.get(f"/profiles/{one}")["id"] for one in profile_ids}

    first, second, third = (device(collector) for _ in range(3))
    assert follow() == known(second, third)
    collector.run("identity", "split", first, "--part", first, "--reason", "two people")
    assert follow() == known(second, third)
    collector.run("identity", "undo", "1", "--reason", "one after all")
    collector.kill()
    collector.start()
    device(collector)
    records = follow()
    assert set(records.values()) == {first}
    collector.run("identity", "split", first, "--part", third, "--reason", "two people")
    collector.run("erase", third, "--yes")  # before the CRM has heard of the split
    assert third not in follow()
    collector.run("erase", first, "--yes")
    assert follow() == {}
