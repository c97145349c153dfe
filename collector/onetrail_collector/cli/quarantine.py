"""`quarantine`: events that were refused, why, and another try."""

from pathlib import Path

import click

from onetrail_collector.cli.database import configured, database, with_stored
from onetrail_collector.clock import system_clock, to_rfc3339
from onetrail_collector.ingest import Ingest
from onetrail_collector.printable import printable
from onetrail_collector.replay import Replayed, replay
from onetrail_collector.store.sqlite import SqliteStore


@click.group()
def quarantine() -> None:
    """Events that were refused, with their reasons."""


@quarantine.command("list")
@click.option("--source", help="Of this source alone.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@database
def quarantine_list(source: str | None, limit: int, db: Path) -> None:
    """Show refused events, the newest first."""
    found = with_stored(db, lambda store: store.quarantined(source, limit=limit))
    if not found:
        click.echo("no event was refused of late")
    for entry in found:
        row = (
            str(entry.id),
            to_rfc3339(entry.received_ms),
            entry.source,
            entry.event_id or "-",
            entry.code,
            entry.detail,
        )
        click.echo("\t".join(map(printable, row)))


@quarantine.command("replay")
@click.option("--source", help="Of this source alone.")
@database
def quarantine_replay(source: str | None, db: Path) -> None:
    """Try refused events again; what can be stored now leaves the quarantine."""
    policy = configured().policy

    async def run(store: SqliteStore) -> Replayed:
        await store.settle_key_form(policy.fingerprint)
        ingest = Ingest(store, policy, system_clock)
        ingest.start()
        try:
            return await replay(store, ingest, source)
        finally:
            await ingest.close()

    stored, duplicates, left = with_stored(db, run)
    click.echo(f"{stored} stored, {duplicates} stored already, {left} refused as before")


@quarantine.command("drop")
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True, type=int)
@database
def quarantine_drop(numbers: tuple[int, ...], db: Path) -> None:
    """Forget these; the number is the first column of the list."""
    dropped = with_stored(db, lambda store: store.drop_quarantined(list(numbers)))
    click.echo(f"{dropped} dropped")
