"""The arrows of the design: who may import whom, and where SQL may stand."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SDK = ROOT / "sdk" / "onetrail"
COLLECTOR = ROOT / "collector" / "onetrail_collector"

# What a part of the collector may import of the collector, besides itself.
ARROWS = {
    "clock": set(),
    "errors": set(),
    "uuid7": set(),
    "server": set(),
    "welcome": set(),
    "identity": set(),
    "wire": {"body", "clock", "errors", "uuid7"},
    "store": {"identity"},
    "device": {"wire"},
    "identification": {"clock", "identity", "wire"},
    "metrics": {"errors", "wire"},
    "assignment": {
        *("device", "errors", "identification", "identity", "quarantine", "store", "wire"),
    },
    "bell": set(),
    "privacy": set(),
    "enrichment": {"errors", "privacy", "wire"},
    "quarantine": {"store", "wire"},
    "withholding": {"assignment", "identification", "identity", "store", "wire"},
    "refusals": {"clock", "errors"},
    "error_page": set(),
    "exports": {"clock"},
    "ingest": {
        *("assignment", "bell", "clock", "errors", "identification", "identity", "store", "wire"),
        *("enrichment", "metrics", "privacy", "withholding"),
    },
    "erasure": {"clock", "identity", "ingest", "store"},
    "replay": {"clock", "errors", "ingest", "quarantine", "store", "wire"},
    "page_counts": {"bell", "clock", "store"},
    "readiness": {"ingest", "store"},
    "health": {"api", "auth", "errors"},
    "settings": {"identity", "privacy"},
    "body": {"errors"},
    "endpoint": {"body", "errors", "wire"},
    "auth": {"errors", "store"},
    "api": {
        *("auth", "body", "clock", "errors", "identity", "ingest", "settings", "store", "wire"),
        *("erasure", "refusals", "replay"),
    },
    "pages": set(),
    "ui": {"auth", "errors", "pages", "store"},
    "app": {
        *("api", "clock", "endpoint", "errors", "ingest", "pages", "settings", "store"),
        *("enrichment", "erasure", "error_page", "refusals"),
        *("health", "metrics", "page_counts", "readiness", "ui", "wire"),
    },
    "cli": {
        *("app", "auth", "clock", "identity", "pages", "server", "settings", "store", "welcome"),
        *("api", "erasure", "exports", "ingest", "replay"),
    },
    "__main__": {"cli"},
    "__init__": set(),
}
SQL = re.compile(
    r"\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|CREATE TABLE)\b", re.DOTALL
)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path: Path) -> str:
    return path.relative_to(COLLECTOR).parts[0].removesuffix(".py")


def test_every_part_of_the_collector_has_its_arrows() -> None:
    assert {part_of(path) for path in COLLECTOR.rglob("*.py")} == set(ARROWS)


@pytest.mark.parametrize("path", sorted(COLLECTOR.rglob("*.py")), ids=lambda path: path.name)
def test_arrows_of_the_collector_point_one_way(path: Path) -> None:
    own = part_of(path)
    parts = {name.split(".")[1] for name in imports(path) if name.startswith("onetrail_collector.")}
    assert parts - {own} <= ARROWS[own]


def test_arrows_make_no_circle() -> None:
    settled: set[str] = set()
    while waiting := {part for part in ARROWS if part not in settled}:
        free = {part for part in waiting if ARROWS[part] <= settled}
        assert free, f"a circle among {sorted(waiting)}"
        settled |= free


def test_sdk_and_collector_never_import_each_other() -> None:
    for path in SDK.rglob("*.py"):
        assert not any(name.startswith("onetrail_collector") for name in imports(path)), path
    for path in COLLECTOR.rglob("*.py"):
        assert not any(re.match(r"onetrail(\.|$)", name) for name in imports(path)), path


def test_identity_knows_only_values() -> None:
    """No SQL, no clock, no I/O: nothing of ours outside it, and no module that does such things."""
    worldly = {"aiosqlite", "sqlite3", "time", "datetime", "asyncio", "os", "random", "starlette"}
    for path in (COLLECTOR / "identity").glob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & worldly, path


def test_sql_stands_in_store_alone() -> None:
    for path in COLLECTOR.rglob("*.py"):
        if "store" in path.parts:
            continue
        texts = [
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not any(SQL.search(text) for text in texts), path
