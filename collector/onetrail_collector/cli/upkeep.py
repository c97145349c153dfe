"""Looking after the file: `backup`, `check`, `vacuum`; the collector may run meanwhile."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from onetrail_collector.cli.database import database
from onetrail_collector.store import upkeep
from onetrail_collector.store.database import UnusableDatabase

T = TypeVar("T")


@click.command()
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@database
def backup(target: Path, db: Path) -> None:
    """Copy the database to FILE, whole and checked, while the collector runs."""
    with click.progressbar(length=1, label="copying") as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        _in_words(lambda: upkeep.back_up(db, target, show))
    click.echo(f"{target}: {target.stat().st_size:,} bytes, checked")


@click.command()
@database
def check(db: Path) -> None:
    """Read the whole database and say whether it is sound."""
    faults = _in_words(lambda: upkeep.check(db))
    if faults:
        raise click.ClickException("\n".join(["restore a backup: the file has faults", *faults]))
    click.echo(f"{db}: sound")


@click.command()
@database
def vacuum(db: Path) -> None:
    """Give back the space of what was deleted; commits wait meanwhile."""
    before, after = _in_words(lambda: upkeep.vacuum(db))
    click.echo(f"{db}: {before:,} bytes before, {after:,} after")


def _in_words(work: Callable[[], T]) -> T:
    try:
        return work()
    except (UnusableDatabase, FileExistsError) as error:
        raise click.ClickException(str(error)) from None
    except (sqlite3.Error, OSError) as error:
        raise click.ClickException(f"it could not be done: {error}") from None
