"""`import`: events that other systems, or another collector, have exported."""

import asyncio
import gc
import gzip
import io
import re
import sys
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, NamedTuple

import click
import msgspec

from onetrail_collector.cli.database import OTHER_POLICY, with_stored
from onetrail_collector.cli.options import settings_options
from onetrail_collector.cli.turns import Turn
from onetrail_collector.clock import system_clock
from onetrail_collector.enrichment import Enrichment
from onetrail_collector.errors import Refused
from onetrail_collector.importing_events import Imported, bring
from onetrail_collector.ingest import Ingest
from onetrail_collector.policy_in_force import OtherPolicy, require
from onetrail_collector.printable import printable
from onetrail_collector.server import GC_THRESHOLD
from onetrail_collector.settings import Effective, Settings
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.wire.envelope import Envelope, Rejection
from onetrail_collector.wire.exported import FORMATS, MAX_LINE_BYTES, read

LINES_A_BATCH = 1_900  # below what may wait in the way in
BYTES_A_BATCH = 16_777_216
SWITCH_S = 0.0002  # what reads lets go of the interpreter sooner for what stores
SHOWN_REJECTS = 20
GZIP_MAGIC = b"\x1f\x8b"
PLACE = re.compile(r"^events\[\d+\][. ]?")  # the line is said already

Line = tuple[int, bytes]


class _Batch(NamedTuple):
    lines: dict[int, bytes]
    envelopes: list[Envelope]
    rejected: list[Rejection]


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--format", "form", type=click.Choice(FORMATS), required=True)
@click.option("--source", metavar="ID", required=True, help="The source that the events are of.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the lines that were left out, with the reason, as JSON lines.",
)
@settings_options
def import_events(
    found: Effective, file: str, form: str, source: str, rejects: Path | None
) -> None:
    """Store the events in FILE: JSON lines, also compressed by gzip; `-` reads from stdin.

    The collector may run meanwhile. The same file a second time adds nothing; after an
    interruption, run it again.
    """
    sys.setswitchinterval(SWITCH_S)
    with ExitStack() as stack:
        raw: Any = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
        advance = (lambda: None) if file == "-" else _bar(stack, Path(file), raw)
        left_out = _Rejects(stack, rejects)
        batches = (_decoded(lines, form, source) for lines in _batches(_lines(_plain(raw))))

        async def work(store: SqliteStore) -> Imported:
            gc.set_threshold(GC_THRESHOLD)  # as while it serves: a fifth of the time
            await _check(store, source, found.settings)
            enrichment = Enrichment(found.settings.privacy)
            ingest = Ingest(store, found.settings.policy, system_clock, enrichment=enrichment)
            ingest.start()

            async def in_force() -> None:
                async with store.transaction() as transaction:
                    await require(transaction.identity, found.settings.policy)

            try:
                return await _store_all(ingest, in_force, batches, left_out, advance)
            finally:
                await ingest.close()

        try:
            counts = with_stored(found.settings.db, work)
        except OtherPolicy:
            raise click.ClickException(f"{found.settings.db} {OTHER_POLICY}") from None
    click.echo(
        f"{counts.stored:,} events stored, {counts.duplicates:,} stored already, "
        f"{left_out.count:,} lines left out, {counts.warnings:,} warnings"
    )


async def _check(store: SqliteStore, source: str, settings: Settings) -> None:
    if source not in {known.public_id for known in await store.sources()}:
        add = f"onetrail-collector sources add {source}"
        raise click.ClickException(f"there is no source {source!r}; make it with: {add}")
    await store.settle_key_form(settings.policy.fingerprint)


async def _store_all(
    ingest: Ingest,
    in_force: Callable[[], Awaitable[None]],
    batches: Iterator[_Batch],
    left_out: "_Rejects",
    advance: Callable[[], None],
) -> Imported:
    """One batch is committed while the next is read. Raises OtherPolicy, asked before each."""
    counts = Imported()
    batch = next(batches, None)
    turn = Turn()
    while batch is not None:
        began = time.monotonic()
        await in_force()
        storing = asyncio.create_task(bring(ingest, batch.envelopes, counts))
        try:
            following = await asyncio.to_thread(next, batches, None)
        finally:
            refused = await _stored(storing)
        left_out.add(batch, refused)
        advance()
        await turn.go_on(time.monotonic() - began)
        batch = following
    return counts


async def _stored(storing: asyncio.Task[list[Rejection]]) -> list[Rejection]:
    try:
        return await storing
    except Refused as refused:
        detail = f"{refused.detail}; what was stored before stays: run it again"
        raise click.ClickException(detail) from None


def _decoded(lines: dict[int, bytes], form: str, source: str) -> _Batch:
    return _Batch(lines, *read(form, source, lines.items()))


def _plain(raw: io.BufferedReader) -> io.BufferedReader | gzip.GzipFile:
    """What was compressed, inflated as it is read."""
    if raw.peek(2)[:2] == GZIP_MAGIC:
        return gzip.GzipFile(fileobj=raw)
    return raw


def _lines(plain: io.BufferedReader | gzip.GzipFile) -> Iterator[Line]:
    """Each line and its number, without those that hold nothing; of a long one, the beginning."""
    number = 0
    while line := plain.readline(MAX_LINE_BYTES + 1):
        number += 1
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = plain.readline(MAX_LINE_BYTES + 1)
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")  # some write UTF-8's mark
        if line.strip():
            yield number, line


def _batches(lines: Iterable[Line]) -> Iterator[dict[int, bytes]]:
    batch: dict[int, bytes] = {}
    size_bytes, failure = 0, None
    try:
        for number, line in lines:
            batch[number] = line
            size_bytes += len(line)
            if len(batch) >= LINES_A_BATCH or size_bytes > BYTES_A_BATCH:
                yield batch
                batch, size_bytes = {}, 0
    except (EOFError, OSError, zlib.error) as error:
        failure = error
    if batch:
        yield batch
    if failure is not None:
        raise click.ClickException(
            f"the file cannot be read to its end: {failure}; what stands before that is imported"
        )


def _bar(stack: ExitStack, path: Path, raw: IO[bytes]) -> Callable[[], None]:
    """A progress bar; what it answers moves it to where the file is read."""
    length = max(path.stat().st_size, 1)
    bar = stack.enter_context(click.progressbar(length=length, label="importing"))
    return lambda: bar.update(raw.tell() - bar.pos)


class _Rejects:
    """Says what was left out and why: the first few on stderr, all in a file where asked for."""

    def __init__(self, stack: ExitStack, path: Path | None) -> None:
        self.count = 0
        self._file = None if path is None else stack.enter_context(path.open("wb"))

    def add(self, batch: _Batch, refused: Iterable[Rejection]) -> None:
        """Count and tell what of a batch could not be read, or was refused."""
        for rejection in sorted([*batch.rejected, *refused], key=lambda found: found.index):
            self._add(rejection, batch.lines[rejection.index])

    def _add(self, rejection: Rejection, line: bytes) -> None:
        self.count += 1
        reason = PLACE.sub("", rejection.detail)
        if self._file is not None:
            told = {"line": rejection.index, "error": rejection.error, "detail": reason}
            text = line.decode(errors="replace").rstrip("\r\n")
            self._file.write(msgspec.json.encode({**told, "text": text}) + b"\n")
        if self.count <= SHOWN_REJECTS:
            click.echo(f"line {rejection.index}: {printable(reason)}", err=True)
        elif self.count == SHOWN_REJECTS + 1:
            more = "" if self._file else "; with --rejects FILE all are written there"
            click.echo(f"and more are left out{more}", err=True)
