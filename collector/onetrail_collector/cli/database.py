"""What commands share: the option that names the database, and a store that is open meanwhile."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from onetrail_collector.cli.options import effective
from onetrail_collector.settings import Settings
from onetrail_collector.store.database import UnusableDatabase
from onetrail_collector.store.sqlite import SqliteStore

T = TypeVar("T")

OTHER_POLICY = (
    "was resolved under another policy than the one configured here. "
    "Give the collector's configuration with --config, or the same --set. To change the policy, as "
    "for a new kind of key: change it there and restart the collector, or, where none runs: "
    "onetrail-collector identity rebuild --config FILE"
)


def database(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--db`; without it the database is the configured one."""
    option = click.option(
        "--db",
        type=click.Path(dir_okay=False, path_type=Path),
        callback=_configured,
        help="The SQLite file.  [default: as configured]",
    )
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=lambda context, _, path: context.meta.update({CONFIG_KEY: path}),
        help="The TOML file that says which; as for serve.",
    )(option(command))


def _configured(context: click.Context, _: click.Parameter, db: Path | None) -> Path:
    return db or effective(context.meta[CONFIG_KEY], {}).settings.db


def configured() -> Settings:
    """The settings that hold for the command that runs, which has the option `--config`."""
    return effective(click.get_current_context().meta[CONFIG_KEY], {}).settings


def operator() -> str:
    """Who runs the command, as the system knows them, for histories and receipts."""
    return f"{getpass.getuser()} on the command line"


CONFIG_KEY = "onetrail_collector.config"


def with_stored(db: Path, work: Callable[[SqliteStore], Awaitable[T]]) -> T:
    """As with_store(), of a file that is there: a mistyped name must not look like no data."""
    must_be_there(db)
    return with_store(db, work)


def must_be_there(db: Path) -> None:
    """Ends the command where there is no such file."""
    if not db.exists():
        raise click.ClickException(
            f"there is no file {db}; name the collector's database with --db, or the configuration "
            "that names it with --config"
        )


def with_store(db: Path, work: Callable[[SqliteStore], Awaitable[T]]) -> T:
    """What `work` answers with the store open, for commands that may begin a database.

    A file that cannot be used ends the command.
    """

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
