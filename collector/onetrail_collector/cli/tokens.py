"""`tokens`: the secrets that open the admin API, each for its scopes."""

from pathlib import Path

import click

from onetrail_collector.auth import SCOPES, hash_token, new_token
from onetrail_collector.cli.database import database, with_store, with_stored
from onetrail_collector.clock import system_clock, to_rfc3339
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.welcome import first_token


@click.group()
def tokens() -> None:
    """The secrets that open the admin API."""


@tokens.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    default=["read"],
    show_default=True,
    help="What it opens; may be repeated.",
)
@database
def tokens_add(name: str, scopes: tuple[str, ...], db: Path) -> None:
    """Make another admin token, and print it once."""
    token = new_token()
    made = with_store(
        db,
        lambda store: store.add_token(
            hash_token(token), name=name, now_ms=system_clock(), scopes=set(scopes)
        ),
    )
    if not made:
        raise click.ClickException(
            f"there is a token named {name}; choose another name, or first: tokens revoke {name}"
        )
    click.echo(first_token(token, ", ".join(dict.fromkeys(scopes))))


@tokens.command("list")
@database
def tokens_list(db: Path) -> None:
    """Show all tokens: name, scopes, when it was made; never the token itself."""
    for token in with_stored(db, SqliteStore.tokens):
        scopes = ", ".join(scope for scope in SCOPES if scope in token.scopes)
        click.echo(f"{token.name}\t{scopes}\t{to_rfc3339(token.created_ms)}")


@tokens.command("revoke")
@click.argument("name")
@database
def tokens_revoke(name: str, db: Path) -> None:
    """Let the token NAME in no more, from its next request on."""
    if not with_stored(db, lambda store: store.revoke_token(name)):
        raise click.ClickException(f"there is no token named {name}; see: tokens list")
    click.echo(f"token {name} revoked")
