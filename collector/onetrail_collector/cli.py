"""The command line: `onetrail-collector serve`, and what an operator sets up."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from onetrail_collector import maintenance, pages
from onetrail_collector.app import create_app
from onetrail_collector.auth import hash_token, new_token
from onetrail_collector.clock import system_clock, to_rfc3339
from onetrail_collector.identity.policy import Policy
from onetrail_collector.server import CannotListen, Server, listen
from onetrail_collector.settings import Durability, InvalidSettings, Settings, load_policy
from onetrail_collector.store.database import UnusableDatabase
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.welcome import demo_steps, first_token, tags

T = TypeVar("T")

database = click.option(
    "--db",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("onetrail.db"),
    show_default=True,
    help="The SQLite file; made when it is not there.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="onetrail")
def cli() -> None:
    """Collect events, issue profile IDs, resolve identities: many devices, one trail."""


@cli.command()
@database
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one."
)
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), help="A TOML file; see docs."
)
@click.option(
    "--durability",
    type=click.Choice(["full", "normal"]),
    default="full",
    show_default=True,
    help="What a 2xx survives: full, a power cut; normal, only the end of the process.",
)
@click.option("--demo", is_flag=True, help="Add the source 'demo', serve /demo, say what to do.")
def serve(  # noqa: PLR0913 - an option each
    db: Path, host: str, port: int, config: Path | None, durability: Durability, *, demo: bool
) -> None:
    """Run the collector until Ctrl-C or SIGTERM; what it accepted is stored before it ends."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        policy = load_policy(config) if config else Policy()
    except InvalidSettings as error:
        raise click.ClickException(str(error)) from None
    settings = Settings(db, policy, durability, demo)
    try:
        listening = listen(host, port)
    except CannotListen as error:
        raise click.ClickException(str(error)) from None
    token = _with_store(db, lambda store: _prepare(store, demo=demo))
    url = f"http://{host}:{listening.getsockname()[1]}"
    greeting = [f"onetrail collector on {url}, storing in {db}"]
    greeting += [first_token(token)] if token else []
    greeting += [demo_steps(url)] if demo else []
    server = Server(
        create_app(settings),
        started=lambda: click.echo("\n".join(greeting)),
        stopped=lambda: click.echo("stopped; everything accepted is stored"),
    )
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it is done
        server.run(sockets=[listening])


@cli.group()
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

    new = _with_store(db, add)
    click.echo(f"source {public_id} {'added' if new else 'updated'}; it may send events now")


@sources.command("list")
@database
def sources_list(db: Path) -> None:
    """Show all sources."""
    rows = _with_store(db, SqliteStore.sources)
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
    if not _with_store(db, lambda store: store.disable_source(public_id)):
        raise click.ClickException(f"there is no source {public_id}; see: sources list")
    click.echo(f"source {public_id} disabled; its events are refused, its clients keep them")


@sources.command("tag")
@click.argument("public_id", metavar="ID")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The collector's.")
def sources_tag(public_id: str, url: str) -> None:
    """Print the script tag for a source's pages, also pinned to this version."""
    click.echo(tags(url.rstrip("/"), public_id, pages.pinned_name(), pages.integrity()))


@cli.group()
def tokens() -> None:
    """The secrets that open the admin API."""


@tokens.command("add")
@click.argument("name")
@database
def tokens_add(name: str, db: Path) -> None:
    """Make another admin token, and print it once."""
    token = new_token()
    _with_store(
        db,
        lambda store: store.add_token(hash_token(token), name=name, now_ms=system_clock()),
    )
    click.echo(first_token(token))


@cli.command()
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@database
def backup(target: Path, db: Path) -> None:
    """Copy the database to FILE, whole and checked, while the collector runs."""
    maintenance.back_up(db, target)


@cli.command()
@database
def check(db: Path) -> None:
    """Read the whole database and say whether it is sound."""
    maintenance.check(db)


@cli.command()
@database
def vacuum(db: Path) -> None:
    """Give back the space of what was deleted; commits wait meanwhile."""
    maintenance.vacuum(db)


async def _prepare(store: SqliteStore, *, demo: bool) -> str | None:
    """At the first start an admin token, and the demo source where asked for."""
    now_ms = system_clock()
    if demo and "demo" not in {source.public_id for source in await store.sources()}:
        await store.add_source("demo", name="Demo", origins=[], now_ms=now_ms)
    if await store.token_hashes():
        return None
    token = new_token()
    await store.add_token(hash_token(token), name="first start", now_ms=now_ms)
    return token


def _with_store(db: Path, work: Callable[[SqliteStore], Awaitable[T]]) -> T:
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
