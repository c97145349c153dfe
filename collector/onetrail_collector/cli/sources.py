"""`sources`: the apps and sites that may send events; a running collector takes changes at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from onetrail_collector import pages
from onetrail_collector.auth import hash_token, new_source_secret
from onetrail_collector.cli.database import database, with_store, with_stored
from onetrail_collector.cli.signing import sources_sign
from onetrail_collector.clock import system_clock, to_rfc3339
from onetrail_collector.origins import InvalidOrigin, normal_origin
from onetrail_collector.store.rows import Source
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.welcome import source_secret, tags

KINDS = ("web", "app", "server", "iot")
a_source = click.argument("public_id", metavar="ID")
an_event_rate = click.IntRange(1, 1_000_000)


@click.group()
def sources() -> None:
    """The apps and sites that may send events."""


sources.add_command(sources_sign)


@sources.command("add")
@a_source
@click.option("--name", help="What people call it; its ID if not given.")
@click.option("--kind", type=click.Choice(KINDS), help="What it is; web if not given.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="An allowed web origin, or https://*.DOMAIN for all subdomains; may be repeated.",
)
@click.option("--events-per-second", type=an_event_rate, help="Its own limit.")
@database
def sources_add(public_id: str, origins: tuple[str, ...], db: Path, **given: Any) -> None:
    """Let the source ID send events; where it exists, enable it and change what is given."""
    if not 1 <= len(public_id) <= 128 or not public_id.isprintable():  # noqa: PLR2004 - as wire/
        raise click.BadParameter("expected 1 to 128 printable characters", param_hint="ID")
    changes = {name: value for name, value in given.items() if value is not None}
    if origins:
        changes["origins"] = _normal(origins)

    async def add(store: SqliteStore) -> bool:
        new = await store.add_source(public_id, name=public_id, origins=[], now_ms=system_clock())
        await store.change_source(public_id, {"enabled": True, **changes})
        return new

    new = with_store(db, add)
    click.echo(f"source {public_id} {'added' if new else 'updated'}; it may send events now")


@sources.command("list")
@database
def sources_list(db: Path) -> None:
    """Show all sources."""
    rows = with_stored(db, SqliteStore.sources)
    if not rows:
        click.echo("no sources; add one with: onetrail-collector sources add ID")
    for source in rows:
        state = "enabled" if source.enabled else "disabled"
        origins = ", ".join(source.origins) or "any origin"
        click.echo(
            f"{source.public_id}\t{state}\t{source.name}\t{origins}\t"
            f"{to_rfc3339(source.created_ms)}\t{source.kind}\t{_signatures(source)}"
        )


@sources.command("show")
@a_source
@database
def sources_show(public_id: str, db: Path) -> None:
    """Show all that is known of one source."""
    source = {row.public_id: row for row in with_stored(db, SqliteStore.sources)}.get(public_id)
    if source is None:
        raise _none(public_id)
    rate = source.events_per_second
    for name, value in {
        "id": source.public_id,
        "name": source.name,
        "kind": source.kind,
        "state": "enabled" if source.enabled else "disabled",
        "origins": ", ".join(source.origins) or "any origin",
        "limit": f"{rate} events a second" if rate else "the configuration's",
        "secret": "needed" if source.secret_sha256 else "none",
        "keys": _signatures(source),
        "ids": "its own" if source.static_ids else "issued here",
        "created": to_rfc3339(source.created_ms),
    }.items():
        click.echo(f"{name:<8} {value}")


@sources.command("disable")
@a_source
@database
def sources_disable(public_id: str, db: Path) -> None:
    """Refuse a source's events from now on; what it sent stays."""
    _change(db, public_id, {"enabled": False})
    click.echo(f"source {public_id} disabled; its events are refused, its clients keep them")


@sources.command("enable")
@a_source
@database
def sources_enable(public_id: str, db: Path) -> None:
    """Take a source's events again."""
    _change(db, public_id, {"enabled": True})
    click.echo(f"source {public_id} enabled")


@sources.command("limits")
@a_source
@click.option(
    "--events-per-second", type=an_event_rate, help="Its own; without: the configuration's."
)
@database
def sources_limits(public_id: str, events_per_second: int | None, db: Path) -> None:
    """Set how many events a source may send."""
    _change(db, public_id, {"events_per_second": events_per_second})
    said = f"{events_per_second} events a second" if events_per_second else "the configuration's"
    click.echo(f"source {public_id}: its limit is {said}")


@sources.command("secret")
@a_source
@click.option("--remove", is_flag=True, help="Take its events without one again.")
@database
def sources_secret(public_id: str, db: Path, *, remove: bool) -> None:
    """Take a source's events only with a secret, made now and shown once; for servers."""
    secret = None if remove else new_source_secret()
    _change(db, public_id, {"secret_sha256": secret and hash_token(secret)})
    click.echo(source_secret(secret) if secret else f"source {public_id} needs no secret now")


@sources.command("static-ids")
@a_source
@click.option("--remove", is_flag=True, help="Issue its profile IDs here again.")
@database
def sources_static_ids(public_id: str, db: Path, *, remove: bool) -> None:
    """Take profile IDs that a source makes itself as they are, as Tracardi can; for servers.

    Whoever guesses such an ID can add events to its profile: give the source a secret as well.
    """
    _change(db, public_id, {"static_ids": not remove})
    click.echo(f"source {public_id}: profile IDs are {'issued here' if remove else 'its own'}")


@sources.command("tag")
@a_source
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The collector's.")
def sources_tag(public_id: str, url: str) -> None:
    """Print the script tag for a source's pages, also pinned to this version."""
    click.echo(tags(url.rstrip("/"), public_id, pages.pinned_name(), pages.integrity()))


def _change(db: Path, public_id: str, changes: Mapping[str, Any]) -> None:
    if not with_stored(db, lambda store: store.change_source(public_id, changes)):
        raise _none(public_id)


def _signatures(source: Source) -> str:
    if source.require_signature:
        return "signed keys alone"
    return "signed or not" if source.signing_secret else "not signed"


def _none(public_id: str) -> click.ClickException:
    return click.ClickException(f"there is no source {public_id}; see: sources list")


def _normal(origins: tuple[str, ...]) -> list[str]:
    try:
        return [normal_origin(origin) for origin in origins]
    except InvalidOrigin as error:
        raise click.BadParameter(str(error), param_hint="--origin") from None
