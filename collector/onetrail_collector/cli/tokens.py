"""`tokens`: the secrets that open the admin API."""

from pathlib import Path

import click

from onetrail_collector.auth import hash_token, new_token
from onetrail_collector.cli.database import database, with_store
from onetrail_collector.clock import system_clock
from onetrail_collector.welcome import first_token


@click.group()
def tokens() -> None:
    """The secrets that open the admin API."""


@tokens.command("add")
@click.argument("name")
@database
def tokens_add(name: str, db: Path) -> None:
    """Make another admin token, and print it once."""
    token = new_token()
    with_store(
        db,
        lambda store: store.add_token(hash_token(token), name=name, now_ms=system_clock()),
    )
    click.echo(first_token(token))
