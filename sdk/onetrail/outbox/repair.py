"""A damaged or foreign file: how to tell, and how to get it out of the way without losing it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING

from onetrail.log import logger
from onetrail.outbox.connections import ForeignFileError

if TYPE_CHECKING:
    from pathlib import Path

    from onetrail.outbox.store import Store

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_KEPT = 3  # damaged files beside the outbox; a disk that is dying must not be filled with them


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether the error means that the file is no outbox, or no longer one."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_ERROR:
        return str(error).startswith("no such ")  # a table or column: somebody else's file
    return isinstance(error, ForeignFileError) or code in _DAMAGED


def is_still_damaged(disk: Store) -> bool:
    """Opens the file again to see; if it is damaged still, leaves it closed."""
    with contextlib.suppress(sqlite3.Error):
        disk.close()
    try:
        disk.last_number()
    except sqlite3.Error as error:
        damaged = is_damaged(error)
    else:
        damaged = not disk.is_sound()
    if damaged:
        with contextlib.suppress(sqlite3.Error):
            disk.close()
    return damaged


def move_away(path: Path, error: sqlite3.Error) -> None:
    """Renames the file and what belongs to it; says so; keeps the newest few."""
    name = f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    for suffix in ("-wal", "-shm", ""):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).replace(path.with_name(name + suffix))
    logger.warning("outbox %s was damaged (%s); it is kept as %s", path, error, name)
    kept = sorted(path.parent.glob(f"{path.name}.damaged-*Z"))
    for old in kept[:-_KEPT]:
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(OSError):
                old.with_name(old.name + suffix).unlink()
