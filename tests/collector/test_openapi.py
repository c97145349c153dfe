"""The API is described by the document it serves, and answers as that says whatever is asked."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
from openapi_spec_validator import validate

from onetrail_collector.api.openapi import TrackAnswer
from onetrail_collector.app import OPERATIONS, create_app
from onetrail_collector.settings import Settings
from onetrail_collector.wire import track
from onetrail_collector.wire.protocols import EXCHANGES

FUZZ_S = 20
# A part of the requests is refused for what no schema says: a key's kind, a cursor's inside.
CHECKS = """
[checks]
positive_data_acceptance.enabled = false
"""


def described(collector: Any) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{collector.url}/openapi.json").json()
    return answer


def test_the_document_is_valid_and_names_every_route(standing_collector: Any) -> None:
    document = described(standing_collector)
    validate(document)
    routes = {route.path for route in create_app(Settings()).routes}  # type: ignore[attr-defined]
    other = {path for path in routes if re.match(r"/t\.\w{12}|/ui|/errors", path)}  # pinned, pages
    other |= {path for way in EXCHANGES if way not in track.EXCHANGES for path in way.paths}
    assert {path.replace(":path", "") for path in routes} - other == set(document["paths"])
    for operation in OPERATIONS:
        found = document["paths"][operation.path][operation.method.lower()]
        assert found["security"] == [{"token": []}]
        assert found["summary"].endswith(".")


def test_the_answer_to_track_is_the_one_described(standing_collector: Any) -> None:
    events = [{"type": "a"}, {"type": 3}, {"type": "identify", "properties": {"email": "null"}}]
    answer = standing_collector.post({"source": {"id": "demo"}, "events": events})
    exact = msgspec.defstruct(
        "Exact",
        [(field.name, field.type) for field in msgspec.structs.fields(TrackAnswer)],
        forbid_unknown_fields=True,
    )
    decoded = msgspec.json.decode(answer.content, type=exact)
    assert decoded.accepted == 2
    assert decoded.rejected
    assert decoded.warnings


def checks(document: dict[str, Any]) -> str:
    """On the ways in a bad event never sinks its neighbours: 200, and it is among the rejected."""
    ways_in = [
        path
        for path, item in document["paths"].items()
        if not item.get("post", {}).get("security", True)
    ]
    rule = """
        [[operations]]
        include-path = "{path}"
        checks = {{ negative_data_rejection = {{ enabled = false }} }}
    """
    return CHECKS + "".join(rule.format(path=path) for path in ways_in)


def fuzz(collector: Any, folder: Path, *options: str, seconds: int) -> None:
    """Schemathesis makes up requests, right and wrong ones: never a 500, always as described."""
    person = {"type": "identify", "properties": {"email": "ann@shop.test"}}
    answer = collector.post({"source": {"id": "demo"}, "events": [person]}).json()
    (folder / "schemathesis.toml").write_text(checks(described(collector)))
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "schemathesis", "run", f"{collector.url}/openapi.json"),
            *("--max-time", str(seconds), "--seed", "5", "--max-examples", "20"),
            *("--header", f"Authorization: Bearer {collector.token}", "--continue-on-failure"),
            *options,
        ],
        cwd=folder,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "fuzz_hooks",
            "PYTHONPATH": str(Path(__file__).parent),
            "PROFILE_ID": answer["profile"]["id"],
        },
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in collector.said()


def test_nothing_that_can_be_sent_breaks_it(collector: Any, tmp_path: Path) -> None:
    fuzz(collector, tmp_path, "--include-path", "/track", seconds=8)
    assert collector.get("/counts")["events"] > 0  # it came as far as the store


def test_nothing_that_can_be_asked_breaks_it(collector: Any, tmp_path: Path) -> None:
    """Erasing and revoking included; all but the stream of live events, which never ends."""
    fuzz(collector, tmp_path, "--exclude-path", "/events/live", seconds=FUZZ_S)
    assert httpx.get(f"{collector.url}/readyz").status_code == 200
