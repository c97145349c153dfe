"""What commands share: the option that names the database, and a store that is open meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from onetrail_collector.store.database import UnusableDatabase
from onetrail_collector.store.sqlite import SqliteStore

T = TypeVar("T")

database = click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("onetrail.db"),
    show_default=True,
    help="The SQLite file; made when it is not there.",
)


def with_store(db: Path, work: Callable[[SqliteStore], Awaitable[T]]) -> T:
    """What `work` answers with the store open; a file that cannot be used ends the command."""

    async def run() -> T:
        store = await SqliteStore.open(db)
        try:
            return await work(store)
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except UnusableDatabase as error:
        raise click.ClickException(str(error)) from None
