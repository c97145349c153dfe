"""`sources sign`: the secret with which a site's server signs who its visitors are."""

import secrets
from pathlib import Path

import click

from onetrail_collector.cli.database import database, with_stored
from onetrail_collector.store.sqlite import SqliteStore


@click.command("sign")
@click.argument("public_id", metavar="ID")
@click.option(
    "--require/--no-require",
    default=None,
    help="Believe only keys that are signed; or all again. Without either: make a new secret.",
)
@database
def sources_sign(public_id: str, require: bool | None, db: Path) -> None:  # noqa: FBT001 - a flag
    """Make a secret with which the site's server signs keys, and print it once.

    First without --require, until the server signs; then with it, and unsigned keys join nobody.
    """
    secret = secrets.token_hex(32)

    async def change(store: SqliteStore) -> bool:
        if require is None:
            return await store.set_signing_secret(public_id, secret)
        return await store.require_signature(public_id, require=require)

    if not with_stored(db, change):
        needed = "" if require is None else " with a signing secret"
        raise click.ClickException(f"there is no source {public_id}{needed}; see: sources list")
    if require is None:
        click.echo(f"signing secret of {public_id}, shown only now: {secret}")
        click.echo(f"when your server signs: onetrail-collector sources sign {public_id} --require")
    else:
        click.echo(f"source {public_id}: {'only signed keys' if require else 'all keys'} link")
