"""The arrows of the design: who may import whom, and where SQL may stand."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SDK = ROOT / "sdk" / "onetrail"
COLLECTOR = ROOT / "collector" / "onetrail_collector"

# What a part of the collector may import of the collector, besides itself; the lowest come first.
ARROWS_TABLE = """
__init__:
address:
answers:
bell:
buckets:
clock:
error_page:
errors:
extra:
identity:
ids:
limits:
memory:
origins:
pages:
printable:
privacy:
welcome:
body: address errors
http_answers: answers
http_bounds: address errors http_answers limits
connections: errors http_bounds limits
dry_run: clock
exports: clock
guard: address answers buckets errors limits
logs: buckets clock printable
refusals: clock errors
settings: identity limits privacy
store: identity
auth: address errors store
effects: identity store
joining: identity store
latecomers: identity joining store
pacing:
page_counts: bell clock store
quotas: buckets errors limits store
policy_in_force: identity store
regrouping: identity store
server: connections guard http_bounds limits
wire: body clock errors ids
device: wire
endpoint: answers auth body errors wire
enrichment: errors privacy wire
identification: clock identity wire
link_warnings: identity wire
metrics: errors wire
quarantine: store wire
regions: identity regrouping store
resolution: identity joining latecomers regions regrouping store
large_reading: identity pacing store
large_writing: store
large_regions: identity large_reading large_writing memory pacing regrouping store
ui: auth body errors pages store
assignment: device errors identification identity ids link_warnings origins quarantine store
    wire
deciding: effects identity regions regrouping resolution store
importing: identity ids policy_in_force resolution store
rebuild: identity large_reading large_regions pacing policy_in_force regions regrouping resolution
    store
retention: clock metrics settings store
withholding: assignment identification identity store wire
ingest: assignment bell clock enrichment errors identification identity limits link_warnings
    metrics privacy quotas regions resolution store wire withholding
erasure: clock identity ingest regions regrouping resolution store
importing_events: errors ingest wire
readiness: ingest store
replay: clock errors ingest store wire
api: auth body clock deciding dry_run effects erasure errors identity ingest origins refusals
    replay settings store wire
health: api auth errors
parts: body buckets clock dry_run enrichment erasure ingest metrics page_counts readiness rebuild
    refusals retention settings store
app: api body clock endpoint error_page errors health metrics pages parts settings ui wire
cli: api app auth clock enrichment erasure errors exports extra identity importing importing_events
    ingest limits logs origins pages policy_in_force printable rebuild replay
    server settings store welcome wire
__main__: cli extra
"""
ARROWS: dict[str, set[str]] = {
    part: set(named.split())
    for part, named in re.findall(r"^(\w+):((?:.|\n )*)$", ARROWS_TABLE, re.MULTILINE)
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
