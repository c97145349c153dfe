"""Looking after the file: `backup`, `check`, `vacuum`; the collector may run meanwhile."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from onetrail_collector.store import upkeep
from onetrail_collector.store.database import UnusableDatabase

T = TypeVar("T")


def back_up(db: Path, target: Path) -> None:
    """Copy the file, with a progress bar."""
    with click.progressbar(length=1, label="copying") as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        _in_words(lambda: upkeep.back_up(db, target, show))
    click.echo(f"{target}: {target.stat().st_size:,} bytes, checked")


def check(db: Path) -> None:
    """Say what is wrong with the file, or that nothing is."""
    faults = _in_words(lambda: upkeep.check(db))
    if faults:
        raise click.ClickException("\n".join(["restore a backup: the file has faults", *faults]))
    click.echo(f"{db}: sound")


def vacuum(db: Path) -> None:
    """Give back unused space."""
    before, after = _in_words(lambda: upkeep.vacuum(db))
    click.echo(f"{db}: {before:,} bytes before, {after:,} after")


def _in_words(work: Callable[[], T]) -> T:
    try:
        return work()
    except (UnusableDatabase, FileExistsError) as error:
        raise click.ClickException(str(error)) from None
    except (sqlite3.Error, OSError) as error:
        raise click.ClickException(f"it could not be done: {error}") from None
