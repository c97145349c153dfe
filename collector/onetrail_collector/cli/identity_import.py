"""`identity import`: links from a table of people, as a CRM exports it."""

import asyncio
import csv
import gc
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from onetrail_collector.cli.database import OTHER_POLICY, with_store
from onetrail_collector.cli.options import settings_options
from onetrail_collector.cli.people_file import PeopleFile
from onetrail_collector.cli.turns import Turn
from onetrail_collector.clock import system_clock
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.table import InvalidHeader, Reject, Row, Table
from onetrail_collector.identity.why import REASONS
from onetrail_collector.importing import Evidence, import_rows
from onetrail_collector.policy_in_force import OtherPolicy
from onetrail_collector.printable import printable
from onetrail_collector.rebuild import settle_rest
from onetrail_collector.server import GC_THRESHOLD
from onetrail_collector.settings import Effective
from onetrail_collector.store.sqlite import SqliteStore

FIRST_ROWS, MAX_ROWS = 500, 16_000  # of a transaction: as many as it stores in
BATCH_S = 0.45  # about, so that two or more fill a turn (turns.py)
SWITCH_S = 0.0002  # what reads lets go of the interpreter sooner for what stores
SHOWN_REJECTS = 20
COUNT_TO = 1_000_000_000
ERASED = (
    "is of a person whose data was erased; the collector's operator lifts that with: "
    "onetrail-collector suppressions lift"
)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the rows that were left out, in whole or in part, with the reason.",
)
@click.option(
    "--ignore-column",
    multiple=True,
    metavar="NAME",
    help="A column that is no key, as a name; may be repeated.",
)
@settings_options
def identity_import(
    found: Effective, file: Path, rejects: Path | None, ignore_column: tuple[str, ...]
) -> None:
    """Link the keys in each row of a CSV FILE to each other: they are one person's.

    The header names kinds of key, as crm_id,email,phone; the first column tells rows apart. The
    collector may run meanwhile. The same file a second time adds nothing; after an interruption,
    run it again.
    """
    sys.setswitchinterval(SWITCH_S)
    policy, db = found.settings.policy, found.settings.db
    with ExitStack() as stack:
        people = PeopleFile(stack.enter_context(file.open("rb")))
        lines = people.lines()
        _, header = next(lines, (1, []))
        try:
            table = Table(header, policy, ignore_column)
        except InvalidHeader as error:
            raise click.ClickException(f"{file}: {error}") from None
        left_out = _Rejects(stack, rejects, header)
        written = file.stat()
        evidence = Evidence(file.name, min(system_clock(), int(written.st_mtime * 1000)))
        importing = _Importing(policy, evidence, left_out)

        async def work(store: SqliteStore) -> int:
            gc.set_threshold(GC_THRESHOLD)  # as while it serves: a third of the time
            await store.settle_key_form(policy.fingerprint)
            with click.progressbar(length=max(written.st_size, 1), label="importing") as bar:
                await importing.store_all(
                    store, table.read(lines), lambda: bar.update(people.bytes_read() - bar.pos)
                )
            await _settle_rest(store, policy)
            return sum((await store.identity.count_refused(REASONS, count_to=COUNT_TO)).values())

        try:
            refused = with_store(db, work)
        except OtherPolicy:
            so_far = f"{importing.rows:,} rows are imported"
            raise click.ClickException(f"{db} {OTHER_POLICY}; {so_far}") from None
    click.echo(
        f"{importing.rows:,} rows, {importing.links:,} new links, "
        f"{left_out.count:,} cells or rows left out"
    )
    if refused:
        click.echo(
            f"of all links in {db}, {refused:,} are in conflict and join nobody; they are listed "
            f"by: onetrail-collector identity conflicts --db {db}"
        )
    if people.broken is not None:
        raise click.ClickException(people.broken)


async def _settle_rest(store: SqliteStore, policy: Policy) -> None:
    """What was too much for the imports' transactions; a collector that runs does it as well."""
    async with store.transaction() as transaction:
        if not await transaction.identity.unsettled(limit=1):
            return
    with click.progressbar(length=1, label="settling conflicts") as bar:

        def show(done: int, whole: int) -> None:
            bar.length = whole
            bar.update(done - bar.pos)

        await settle_rest(store, policy, now_ms=system_clock(), progress=show)


class _Importing:
    """Rows become links, as many at once as fit; `rows` and `links` are those that are stored."""

    def __init__(self, policy: Policy, evidence: Evidence, left_out: "_Rejects") -> None:
        self.rows = self.links = 0
        self._policy, self._evidence, self._left_out = policy, evidence, left_out

    async def store_all(
        self, store: SqliteStore, read: Iterable[Row | Reject], progress: Callable[[], None]
    ) -> None:
        """Store batch after batch, each while the next is read. Raises OtherPolicy."""
        size, turn = _Size(), Turn()
        batches = _batches(read, self._left_out, size)
        batch = next(batches, None)
        while batch is not None:
            began = time.monotonic()
            storing = asyncio.create_task(
                import_rows(
                    store, batch, self._policy, evidence=self._evidence, now_ms=system_clock()
                )
            )
            following = await asyncio.to_thread(next, batches, None)  # read meanwhile
            imported = await storing
            self.rows += len(batch) - len(imported.withheld)
            self.links += imported.links
            for row in imported.withheld:
                self._left_out.add(Reject(row.line, None, ERASED, ()))
            took_s = time.monotonic() - began
            size.learn(took_s)
            progress()
            await turn.go_on(took_s * len(following or ()) / len(batch))
            batch = following


class _Size:
    """How many rows the next transaction stores, by how long the last one took."""

    def __init__(self) -> None:
        self.rows = FIRST_ROWS

    def learn(self, took_s: float) -> None:
        """Grow or shrink; rows that conflict cost a hundred times what others cost."""
        if took_s > BATCH_S:
            self.rows = max(int(self.rows * BATCH_S / took_s), 50)
        elif took_s < BATCH_S / 2:
            self.rows = min(self.rows * 2, MAX_ROWS)


def _batches(
    read: Iterable[Row | Reject], left_out: "_Rejects", size: _Size
) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for found in read:
        if isinstance(found, Reject):
            left_out.add(found)
            continue
        batch.append(found)
        if len(batch) >= size.rows:
            yield batch
            batch = []
    if batch:
        yield batch


class _Rejects:
    """Says what was left out and why: the first few on stderr, all in a file where asked for."""

    def __init__(self, stack: ExitStack, path: Path | None, header: list[str]) -> None:
        self.count = 0
        self._writer: Any = None
        if path is not None:
            file = stack.enter_context(
                path.open("w", newline="", encoding="utf-8", errors="surrogateescape")
            )
            self._writer = csv.writer(file)
            self._writer.writerow(["line", "reason", *header])

    def add(self, reject: Reject) -> None:
        """Count it and tell it."""
        self.count += 1
        what = "the row" if reject.column is None else reject.column
        if self._writer is not None:
            self._writer.writerow([reject.line, f"{what} {reject.reason}", *reject.cells])
        if self.count <= SHOWN_REJECTS:
            click.echo(f"line {reject.line}: {printable(f'{what} {reject.reason}')}", err=True)
        elif self.count == SHOWN_REJECTS + 1:
            more = "" if self._writer else "; with --rejects FILE all are written there"
            click.echo(f"and more are left out{more}", err=True)
