"""Looking after the file while the collector runs: a copy, a check, a clean-up."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from onetrail_collector.store.database import APPLICATION_ID, UnusableDatabase

PAGES_A_STEP = 2_000  # 8 MB: the collector's commits get in between
BUSY_TIMEOUT_S = 30.0

Progress = Callable[[int, int], None]
"""Told (pages done, pages in all)."""


def back_up(source: Path, target: Path, progress: Progress) -> None:
    """A consistent copy of the file as one moment had it. Raises UnusableDatabase, FileExistsError.

    The copy appears under its name when it is whole and checked; what ends before leaves `.part`.
    (https://www.sqlite.org/backup.html)
    """
    if target.exists():
        raise FileExistsError(f"{target} exists; a backup never overwrites")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    with closing(open_file(source)) as original, closing(sqlite3.connect(part)) as copy:
        # From one read transaction, or the copy would begin again at each commit of the collector.
        original.execute("BEGIN")
        original.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        original.backup(
            copy,
            pages=PAGES_A_STEP,
            progress=lambda _, remaining, total: progress(total - remaining, total),
        )
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
    faults = check(part)
    if faults:
        raise UnusableDatabase(f"the copy of {source} has faults: {'; '.join(faults)}")
    part.rename(target)


def check(path: Path) -> list[str]:
    """What is wrong with the file; nothing, if it is sound. Raises UnusableDatabase."""
    with closing(open_file(path)) as connection:
        try:
            rows = connection.execute("PRAGMA integrity_check").fetchall()
            orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
        except sqlite3.DatabaseError as error:  # too damaged to be walked through
            return [str(error)]
    return [
        *(row[0] for row in rows if row[0] != "ok"),
        *(f"a row of {table} points to nothing in {parent}" for table, _, parent, _ in orphans),
    ]


def vacuum(path: Path) -> tuple[int, int]:
    """Give back the space of what was deleted; answers the bytes before and after.

    The collector's commits wait meanwhile, and answer 503 where that takes long.
    """
    with closing(open_file(path, mode="rw")) as connection:
        before = _bytes(connection)
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return before, _bytes(connection)


def _bytes(connection: sqlite3.Connection) -> int:
    [(pages,)] = connection.execute("PRAGMA page_count").fetchall()
    [(page_bytes,)] = connection.execute("PRAGMA page_size").fetchall()
    return int(pages) * int(page_bytes)


def open_file(path: Path, mode: str = "ro") -> sqlite3.Connection:
    """A plain connection to a collector's file. Raises UnusableDatabase."""
    if not path.is_file():
        raise UnusableDatabase(f"there is no file {path}")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_S,
    )
    try:
        [(application_id,)] = connection.execute("PRAGMA application_id").fetchall()
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UnusableDatabase(f"cannot read {path}: {error}") from None
    if application_id != APPLICATION_ID:
        connection.close()
        raise UnusableDatabase(f"{path} is not a collector's file")
    return connection
