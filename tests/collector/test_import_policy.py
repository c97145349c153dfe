"""An import follows the policy of what is stored, and nobody's rows end under another one."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import wait_until

from onetrail_collector.identity.keys import Kind
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.table import Row
from onetrail_collector.importing import Evidence, import_rows
from onetrail_collector.policy_in_force import OtherPolicy, applied_policy, fingerprint
from onetrail_collector.rebuild import rebuild, settle_rest
from onetrail_collector.settings import load
from onetrail_collector.store.sqlite import SqliteStore

PAGE = Path(__file__).parents[2] / "docs" / "identity.md"
EXAMPLE = re.compile(r"^```toml\n([^`]*)```\n\n```sh\n(printf [^`]*)```", re.MULTILINE)
SHARING = (
    "email,phone\na@shop.test,+41446681800\nb@shop.test,+41446681800\nc@shop.test,+41446681800\n"
)
TWO_AT_MOST = "[identity.kinds.phone]\nmax_profile_ids = 2\n"
CHANGED = "the identity policy has changed; resolving all profiles again"


def run_in(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A shell's commands in a folder of their own, where ./onetrail.toml is read."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder without the collector's configuration."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "people.csv").write_text(SHARING)
    return folder


@pytest.fixture
def two_at_most(new_collector: Callable[..., Any], tmp_path: Path) -> Any:
    """A collector by whose policy a number on three devices joins nobody."""
    (tmp_path / "onetrail.toml").write_text(TWO_AT_MOST)
    return new_collector("--demo", "--config", str(tmp_path / "onetrail.toml"))


def settled_under(crm: Any, config: Path) -> Callable[[], bool]:
    own = fingerprint(load(config).settings.policy)

    def settled() -> bool:
        states = dict(crm.rows("SELECT name, value FROM identity_state"))
        unfinished = states.get("applying") or crm.rows("SELECT 1 FROM unsettled")
        return states.get("policy") == own and not unfinished

    return settled


def profiles(crm: Any) -> int:
    [(count,)] = crm.rows("SELECT count(DISTINCT profile) FROM profile_ids")
    return int(count)


@pytest.mark.parametrize("given_by", ["file", "--set"])
def test_the_docs_example_keeps_two_customers_apart(
    new_collector: Any, elsewhere: Path, given_by: str
) -> None:
    """In exactly their words, but a second customer has the same phone number."""
    found = EXAMPLE.search(PAGE.read_text())
    assert found is not None
    config, commands = found.groups()
    if given_by == "file":
        (elsewhere / "onetrail.toml").write_text(config)
    else:
        kinds = '{"crm_id": {"exclusive": true}}'
        commands = f"{commands.rstrip()} --set 'identity.kinds={kinds}'"
    done = run_in(
        elsewhere, commands.replace("' > people", "C2,bob@shop.test,+41446681800\\n' > people")
    )
    assert done.returncode == 0, done.stderr
    crm = new_collector(db=elsewhere / "onetrail.db")
    held = "SELECT kind, value FROM keys JOIN profile_ids USING (profile) ORDER BY profile, kind"
    assert crm.rows(held) == [
        *(("crm_id", "C1"), ("email", "ann@shop.test"), ("phone", "+41446681800")),
        *(("crm_id", "C2"), ("email", "bob@shop.test")),
    ]


def test_events_under_another_policy_are_refused(two_at_most: Any, elsewhere: Path) -> None:
    two_at_most.start()
    config = two_at_most.db.with_name("onetrail.toml")
    wait_until(settled_under(two_at_most, config), "the collector's policy to be applied")
    (elsewhere / "events.jsonl").write_text('{"type": "track", "userId": "u", "event": "a"}\n')
    command = (
        "onetrail-collector import events.jsonl --format segment --source demo"
        f" --db {two_at_most.db}"
    )
    refused = run_in(elsewhere, command)
    assert refused.returncode == 1
    assert "under another policy than the one configured here" in refused.stderr
    assert two_at_most.rows("SELECT count(*) FROM events") == [(0,)]
    done = run_in(elsewhere, f"{command} --config {config}")
    assert "1 events stored" in done.stdout, done.stderr


def test_an_import_under_another_policy_is_refused(two_at_most: Any, elsewhere: Path) -> None:
    two_at_most.start()
    config = two_at_most.db.with_name("onetrail.toml")
    wait_until(settled_under(two_at_most, config), "the collector's policy to be applied")
    command = f"onetrail-collector identity import people.csv --db {two_at_most.db}"
    refused = run_in(elsewhere, command)
    assert refused.returncode == 1
    assert "resolved under another policy" in refused.stderr
    assert "--config" in refused.stderr
    assert two_at_most.rows("SELECT count(*) FROM profile_ids") == [(0,)]
    done = run_in(elsewhere, f"{command} --config {config}")
    assert done.returncode == 0, done.stderr
    assert profiles(two_at_most) == 3


def test_a_collector_with_another_policy_than_an_import_s_notices(
    two_at_most: Any, elsewhere: Path
) -> None:
    """The import came first, and brought its policy into the fresh file."""
    done = run_in(elsewhere, f"onetrail-collector identity import people.csv --db {two_at_most.db}")
    assert done.returncode == 0, done.stderr
    assert profiles(two_at_most) == 1
    two_at_most.start()
    config = two_at_most.db.with_name("onetrail.toml")
    wait_until(settled_under(two_at_most, config), "the collector's policy to be applied")
    assert CHANGED in two_at_most.said()
    assert profiles(two_at_most) == 3


def test_a_policy_that_was_applied_by_half_is_applied_before_an_import(
    two_at_most: Any, elsewhere: Path
) -> None:
    """The collector with a new policy died while it resolved; the old policy holds no more."""
    command = f"onetrail-collector identity import people.csv --db {two_at_most.db}"
    assert run_in(elsewhere, command).returncode == 0
    config = two_at_most.db.with_name("onetrail.toml")

    async def begin() -> None:
        store = await SqliteStore.open(two_at_most.db)

        def die(_done: int, _all: int) -> None:
            raise InterruptedError

        try:
            policy = load(config).settings.policy
            await rebuild(store, policy, now_ms=0, progress=die)
        finally:
            await store.close()

    with pytest.raises(InterruptedError):
        asyncio.run(begin())
    (elsewhere / "people.csv").write_text("email\nd@shop.test\n")
    assert "resolved under another policy" in run_in(elsewhere, command).stderr
    assert run_in(elsewhere, f"{command} --config {config}").returncode == 0
    two_at_most.start()  # also with the old one it would resolve all again
    wait_until(settled_under(two_at_most, config), "the collector's policy to be applied")
    assert CHANGED in two_at_most.said()
    assert profiles(two_at_most) == 4


def in_a_loop(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    return run


def people(first: int, count: int) -> list[Row]:
    """Fifty numbers, and in each fifty rows the same."""
    return [
        Row(line, (("email", f"p{line}@shop.test"), ("phone", f"+4144668{line % 50:04d}")))
        for line in range(first, first + count)
    ]


@in_a_loop
async def test_no_row_is_stored_while_another_policy_is_applied(tmp_path: Path) -> None:
    """A collector with a new policy starts amid an import, whose rows it would not look at."""
    old, new = Policy(), Policy(kinds=Policy().kinds | {"phone": Kind("phone", max_profile_ids=1)})
    async with AsyncExitStack() as stack:
        ours, theirs = [await SqliteStore.open(tmp_path / "a.db") for _ in range(2)]
        stack.push_async_callback(ours.close)
        stack.push_async_callback(theirs.close)
        evidence = Evidence("people.csv", 0)
        await import_rows(ours, people(1, 50), old, evidence=evidence, now_ms=0)
        began = asyncio.Event()
        applying = asyncio.create_task(
            rebuild(theirs, new, now_ms=0, progress=lambda _done, _all: began.set())
        )
        await began.wait()
        with pytest.raises(OtherPolicy):
            await import_rows(ours, people(51, 50), old, evidence=evidence, now_ms=0)
        with pytest.raises(OtherPolicy):
            await settle_one(ours, old)
        await import_rows(ours, people(101, 50), new, evidence=evidence, now_ms=0)
        await applying
        assert await applied_policy(ours) == fingerprint(new)
        with pytest.raises(OtherPolicy):
            await import_rows(ours, people(51, 50), old, evidence=evidence, now_ms=0)
        assert not await rebuild(ours, new, now_ms=0)


async def settle_one(store: SqliteStore, policy: Policy) -> None:
    """What a collector with the old policy, that still runs, settles in its background."""
    async with store.transaction() as transaction:
        await transaction.identity.unsettle_ids([1])
    await settle_rest(store, policy, now_ms=0)


@in_a_loop
async def test_of_two_who_apply_their_policies_the_later_goes_on_alone(tmp_path: Path) -> None:
    old, new = Policy(), Policy(kinds=Policy().kinds | {"phone": Kind("phone", max_profile_ids=1)})
    async with AsyncExitStack() as stack:
        ours, theirs = [await SqliteStore.open(tmp_path / "a.db") for _ in range(2)]
        stack.push_async_callback(ours.close)
        stack.push_async_callback(theirs.close)
        for first in (1, 51):
            rows = people(first, 50)
            await import_rows(ours, rows, old, evidence=Evidence("people.csv", 0), now_ms=0)
        began = asyncio.Event()
        first_one = asyncio.create_task(
            rebuild(ours, new, now_ms=0, progress=lambda _done, _all: began.set())
        )
        await began.wait()
        await rebuild(theirs, old, now_ms=0)
        with pytest.raises(OtherPolicy):
            await first_one
        assert await applied_policy(ours) == fingerprint(old)
        assert not await rebuild(ours, old, now_ms=0)


def test_who_dies_on_the_way_back_to_the_old_policy_has_it_not_applied(tmp_path: Path) -> None:
    """It is the one applied last, but what a newer one did to some profiles is yet to be undone."""
    old, newer = Policy(), Policy(kinds={"email": Kind("email", max_values=2)})

    class Died(Exception):  # noqa: N818 - a test
        pass

    def die(_done: int, _all: int) -> None:
        raise Died

    async def run() -> None:
        store = await SqliteStore.open(tmp_path / "a.db")
        await store.add_source("demo", name="demo", origins=[], now_ms=0)
        row = Row(2, (("email", "ann@shop.test"),))
        await import_rows(store, [row], old, evidence=Evidence("a.csv", 0), now_ms=0)
        assert await applied_policy(store) == fingerprint(old)
        for policy in (newer, old):
            with pytest.raises(Died):
                await rebuild(store, policy, now_ms=0, progress=die)
            assert await applied_policy(store) not in {fingerprint(old), fingerprint(newer)}
        await rebuild(store, old, now_ms=0)
        assert await applied_policy(store) == fingerprint(old)
        await store.close()

    asyncio.run(run())
