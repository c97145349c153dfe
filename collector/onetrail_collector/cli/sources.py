"""`sources`: the apps and sites that may send events."""

from pathlib import Path

import click

from onetrail_collector import pages
from onetrail_collector.cli.database import database, with_store
from onetrail_collector.clock import system_clock, to_rfc3339
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.welcome import tags


@click.group()
def sources() -> None:
    """The apps and sites that may send events."""


@sources.command("add")
@click.argument("public_id", metavar="ID")
@click.option("--name", help="What people call it; its ID if not given.")
@click.option("--origin", "origins", multiple=True, help="An allowed web origin; may be repeated.")
@database
def sources_add(public_id: str, name: str | None, origins: tuple[str, ...], db: Path) -> None:
    """Let the source ID send events; enables one that was disabled."""
    if not 1 <= len(public_id) <= 128 or not public_id.isprintable():  # noqa: PLR2004 - as wire/
        raise click.BadParameter("expected 1 to 128 printable characters", param_hint="ID")

    async def add(store: SqliteStore) -> bool:
        return await store.add_source(
            public_id, name=name or public_id, origins=list(origins), now_ms=system_clock()
        )

    new = with_store(db, add)
    click.echo(f"source {public_id} {'added' if new else 'updated'}; it may send events now")


@sources.command("list")
@database
def sources_list(db: Path) -> None:
    """Show all sources."""
    rows = with_store(db, SqliteStore.sources)
    if not rows:
        click.echo("no sources; add one with: onetrail-collector sources add ID")
    for source in rows:
        state = "enabled" if source.enabled else "disabled"
        origins = ", ".join(source.origins) or "any origin"
        click.echo(
            f"{source.public_id}\t{state}\t{source.name}\t{origins}\t"
            f"{to_rfc3339(source.created_ms)}"
        )


@sources.command("disable")
@click.argument("public_id", metavar="ID")
@database
def sources_disable(public_id: str, db: Path) -> None:
    """Refuse a source's events from now on; what it sent stays."""
    if not with_store(db, lambda store: store.disable_source(public_id)):
        raise click.ClickException(f"there is no source {public_id}; see: sources list")
    click.echo(f"source {public_id} disabled; its events are refused, its clients keep them")


@sources.command("tag")
@click.argument("public_id", metavar="ID")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The collector's.")
def sources_tag(public_id: str, url: str) -> None:
    """Print the script tag for a source's pages, also pinned to this version."""
    click.echo(tags(url.rstrip("/"), public_id, pages.pinned_name(), pages.integrity()))
