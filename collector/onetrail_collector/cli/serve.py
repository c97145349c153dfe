"""`serve`: the collector itself, until it is told to stop."""

import contextlib
import logging
from pathlib import Path

import click

from onetrail_collector.app import create_app
from onetrail_collector.auth import hash_token, new_token
from onetrail_collector.cli.database import database, with_store
from onetrail_collector.clock import system_clock
from onetrail_collector.identity.policy import Policy
from onetrail_collector.server import CannotListen, Server, listen
from onetrail_collector.settings import Durability, InvalidSettings, Settings, load_policy
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.welcome import demo_steps, first_token


@click.command()
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
    token = with_store(db, lambda store: _prepare(store, demo=demo))
    url = f"http://{host}:{listening.getsockname()[1]}"
    greeting = [f"onetrail collector on {url}, storing in {db}"]
    greeting += [first_token(token)] if token else []
    greeting += [demo_steps(url)] if demo else []
    server = Server(
        create_app(settings, stopping=lambda: server.should_exit),
        started=lambda: click.echo("\n".join(greeting)),
        stopped=lambda: click.echo("stopped; everything accepted is stored"),
    )
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it is done
        server.run(sockets=[listening])


async def _prepare(store: SqliteStore, *, demo: bool) -> str | None:
    """At the first start an admin token, and the demo source where asked for."""
    now_ms = system_clock()
    if demo and "demo" not in {source.public_id for source in await store.sources()}:
        await store.add_source("demo", name="Demo", origins=[], now_ms=now_ms)
    if await store.tokens():
        return None
    token = new_token()
    await store.add_token(hash_token(token), name="first start", now_ms=now_ms)
    return token
