"""Work that is one turn of the writing thread: it may wait for the tables, and for nothing else."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from onetrail_collector.store.at_once import at_once
from onetrail_collector.store.identity import IdentityTables


async def remember(tables: IdentityTables) -> str | None:
    await tables.set_state("settling", "1")
    return await tables.state("settling")


async def forget_itself(tables: IdentityTables) -> None:
    await tables.set_state("settling", "1")
    await asyncio.sleep(0)


def states() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE identity_state (name TEXT PRIMARY KEY, value TEXT)")
    return connection


def test_it_is_done_when_the_call_returns() -> None:
    with closing(states()) as connection:
        assert at_once(connection, remember) == "1"
        assert connection.execute("SELECT * FROM identity_state").fetchall() == [("settling", "1")]


def test_work_that_waits_for_something_else_is_refused() -> None:
    with closing(states()) as connection, pytest.raises(TypeError, match="nothing but the tables"):
        at_once(connection, forget_itself)
