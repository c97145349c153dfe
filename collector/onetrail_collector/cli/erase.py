"""`erase` and `suppressions`: a person's data removed for good; the collector may run meanwhile."""

import json
from pathlib import Path

import click
import msgspec

from onetrail_collector.api.privacy import erasure_view
from onetrail_collector.cli.database import configured, database, operator, with_stored
from onetrail_collector.clock import system_clock, to_rfc3339
from onetrail_collector.erasure import Eraser
from onetrail_collector.identity.policy import Policy
from onetrail_collector.store.rows import Erasure, Removal
from onetrail_collector.store.sqlite import SqliteStore


@click.command()
@click.argument("profile_id", metavar="ID")
@click.option("--reason", default="", help="Kept in the receipt; name nobody.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@database
def erase(profile_id: str, db: Path, reason: str, *, dry_run: bool, yes: bool) -> None:
    """Erase the person with this profile ID, and suppress them; prints the receipt as JSON."""
    would = with_stored(db, lambda store: _removal(store, profile_id))
    if would is None:
        raise click.ClickException(f"no profile has the profile ID {profile_id}")
    counts = would._asdict() | {"profile_ids": len(would.profile_ids)}
    if dry_run:
        click.echo(json.dumps({"profile_ids": would.profile_ids, "removed": counts}, indent=2))
        return
    if not yes:
        click.echo(", ".join(f"{count} {name}" for name, count in counts.items()), err=True)
        click.confirm("Erase them? It cannot be undone", abort=True, err=True)
    policy = configured().policy
    receipt = with_stored(db, lambda store: _erase(store, policy, profile_id, reason))
    if receipt is None:
        raise click.ClickException(f"the profile of {profile_id} has just been erased")
    view = msgspec.to_builtins(erasure_view(receipt))
    click.echo(json.dumps({"erasure": view, "profile_ids": would.profile_ids}, indent=2))


@click.group()
def suppressions() -> None:
    """People who were erased, and are not stored again until that is lifted."""


@suppressions.command("list")
@database
def suppressions_list(db: Path) -> None:
    """Show the receipts of all erasures."""
    found = with_stored(db, SqliteStore.erasures)
    if not found:
        click.echo("nobody was ever erased")
    for erasure in found:
        state = "done" if erasure.done_ms else "under way"
        state = "lifted" if erasure.lifted_ms else state
        click.echo(
            f"{erasure.public_id}\t{to_rfc3339(erasure.begun_ms)}\t{state}\t"
            f"{erasure.events} events\t{erasure.made_by}\t{erasure.reason}"
        )


@suppressions.command("lift")
@click.argument("erasure_id", metavar="ERASURE")
@database
def suppressions_lift(erasure_id: str, db: Path) -> None:
    """Let the person of an erasure be stored again; what was erased stays so."""

    async def lift(store: SqliteStore) -> bool:
        async with store.transaction() as transaction:
            return await transaction.erasing.lift(
                erasure_id, lifted_by=operator(), now_ms=system_clock()
            )

    if not with_stored(db, lift):
        raise click.ClickException(f"no erasure {erasure_id} suppresses anybody; see: list")
    click.echo(f"{erasure_id}: lifted; who was erased may be stored again")


async def _removal(store: SqliteStore, profile_id: str) -> Removal | None:
    number = await store.find_profile(profile_id)
    return None if number is None else await store.removal(number)


async def _erase(
    store: SqliteStore, policy: Policy, profile_id: str, reason: str
) -> Erasure | None:
    eraser = Eraser(store, policy, system_clock)
    erasure = await eraser.begin(profile_id, reason=reason, made_by=operator())
    if erasure is None:
        return None
    await eraser.finish(erasure.id)
    return await store.find_erasure(erasure.public_id)
