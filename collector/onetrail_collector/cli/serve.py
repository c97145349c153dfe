"""`serve`: the collector itself, until it is told to stop."""

import contextlib

import click

from onetrail_collector.app import create_app
from onetrail_collector.auth import SCOPES, hash_token, new_token
from onetrail_collector.cli.database import with_store
from onetrail_collector.cli.options import settings_options
from onetrail_collector.clock import system_clock
from onetrail_collector.identity.policy import Policy
from onetrail_collector.logs import set_up
from onetrail_collector.server import CannotListen, Server, listen
from onetrail_collector.settings import Effective
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.welcome import demo_steps, first_token


@click.command()
@settings_options
def serve(found: Effective) -> None:
    """Run the collector until Ctrl-C or SIGTERM; what it accepted is stored before it ends."""
    settings = found.settings
    set_up(settings.log_format, settings.log_level)
    db, host, demo = settings.db, settings.host, settings.demo
    try:
        listening = listen(host, settings.port)
    except CannotListen as error:
        raise click.ClickException(str(error)) from None
    token = with_store(db, lambda store: _prepare(store, settings.policy, demo=demo))
    url = f"http://{host}:{listening.getsockname()[1]}"
    greeting = [f"onetrail collector on {url}, storing in {db}"]
    greeting += [first_token(token, ", ".join(SCOPES))] if token else []
    greeting += [demo_steps(url)] if demo else []
    config = click.get_current_context().params["config"]
    app = create_app(settings, config=config, stopping=lambda: server.should_exit)
    server = Server(
        app,
        limits=settings.limits,
        answers=app.state.metrics.answers,
        access_log=settings.access_log,
        started=lambda: click.echo("\n".join(greeting)),
        stopped=lambda: click.echo("stopped; everything accepted is stored"),
    )
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it is done
        server.run(sockets=[listening])


async def _prepare(store: SqliteStore, policy: Policy, *, demo: bool) -> str | None:
    """At the first start an admin token, and the demo source where asked for."""
    await store.settle_key_form(policy.fingerprint)
    now_ms = system_clock()
    if demo and "demo" not in {source.public_id for source in await store.sources()}:
        await store.add_source("demo", name="Demo", origins=[], now_ms=now_ms)
    if await store.tokens():
        return None
    token = new_token()
    await store.add_token(hash_token(token), name="first start", now_ms=now_ms, scopes=SCOPES)
    return token
