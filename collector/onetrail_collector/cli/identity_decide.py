"""`identity split`, `join`, `refuse-key`, `undo`, `decisions`: what an operator decides."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from onetrail_collector.api import identity_decided, identity_decisions, identity_splits
from onetrail_collector.api.identity_views import DecisionView
from onetrail_collector.cli.database import database
from onetrail_collector.cli.identity_calls import WHO, answer, as_json, page, person, show

reason = click.option("--reason", required=True, help="Why; it is kept with the decision.")
dry_run = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")


@click.command()
@click.argument("profile_id", metavar=WHO)
@click.option("--part", "parted", multiple=True, metavar="PROFILE_ID", help="May be repeated.")
@click.option(
    "--link", nargs=2, metavar="PROFILE_ID KIND:VALUE", help="One link to refuse instead."
)
@reason
@dry_run
@as_json
@database
def split(  # noqa: PLR0913 - an option each
    profile_id: str,
    parted: tuple[str, ...],
    link: tuple[str, str] | None,
    reason: str,
    db: Path,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Part profile IDs from the rest of a profile, or refuse one link, for good."""
    if bool(parted) == bool(link):
        raise click.UsageError(
            "give either --part, once for each profile ID to be parted from the rest, or --link"
        )
    body: dict[str, Any] = {"reason": reason, "profile_ids": list(parted)}
    if link:
        body["link"] = {"profile_id": link[0], "key": link[1]}
    asked = identity_decided.ProfileAsked(person(db, profile_id), dry_run)
    found = answer(db, identity_splits.split, asked, body, identity_splits.SplitBody)
    _show_decided(found, as_json=as_json)


@click.command()
@click.argument("profile_id", metavar=WHO)
@click.argument("other", metavar=WHO)
@reason
@dry_run
@as_json
@database
def join(  # noqa: PLR0913 - an option each
    profile_id: str, other: str, reason: str, db: Path, *, dry_run: bool, as_json: bool
) -> None:
    """Say that two profiles are one person."""
    asked = identity_decided.ProfileAsked(person(db, profile_id), dry_run)
    body = {"reason": reason, "other": person(db, other)}
    found = answer(db, identity_decisions.join, asked, body, identity_decisions.JoinBody)
    _show_decided(found, as_json=as_json)


@click.command("refuse-key")
@click.argument("key", metavar="KIND:VALUE")
@reason
@dry_run
@as_json
@database
def refuse_key(key: str, reason: str, db: Path, *, dry_run: bool, as_json: bool) -> None:
    """Let a key join nobody, whoever uses it, now or later."""
    asked = identity_decisions.Asked(dry_run)
    body = {"reason": reason, "key": key}
    found = answer(db, identity_decisions.refuse_key, asked, body, identity_decisions.RefuseKeyBody)
    _show_decided(found, as_json=as_json)


@click.command()
@click.argument("decision", type=int)
@reason
@dry_run
@as_json
@database
def undo(decision: int, reason: str, db: Path, *, dry_run: bool, as_json: bool) -> None:
    """Let a decision hold no more; see: identity decisions."""
    asked = identity_decisions.DecisionAsked(decision, dry_run)
    body = {"reason": reason}
    found = answer(db, identity_decisions.undo_decision, asked, body, identity_decisions.UndoBody)
    _show_decided(found, as_json=as_json)


@click.command()
@page
@as_json
@database
def decisions(limit: int, db: Path, *, as_json: bool) -> None:
    """All decisions, the newest first, with who, why and when."""
    asked = identity_decisions.DecisionsAsked(limit)
    found = answer(db, identity_decisions.decisions, asked)
    show(found, rows=[_decision(row) for row in found.decisions], as_json=as_json)


def _show_decided(found: identity_decided.Decided, *, as_json: bool) -> None:
    would = "would be " if found.dry_run else ""
    lines = [] if found.decision is None else [f"decision {found.decision}"]
    lines += [
        f"{would}a profile: {group.id} with {', '.join(group.profile_ids)}" for group in found.after
    ]
    lines += [
        f"{would}{f'refused: {link.refused_after}' if link.refused_after else 'accepted'}: "
        f"{link.profile_id} -- {link.key.kind}:{link.key.value}"
        for link in found.links
    ]
    before = found.undone_before
    if before:
        who = f"at {before.undone_at}, by {before.undone_by}: {before.undone_reason}"
        lines = [f"decision {before.id} was undone already, {who}"]
    elif not found.after and not found.links:
        lines.append("nothing changes")
    if not found.settled:
        lines.append("the rest is done in the background, by the collector")
    show(found, lines, as_json=as_json)


def _decision(row: DecisionView) -> Sequence[str]:
    key = f"{row.key.kind}:{row.key.value}" if row.key else ""
    about = " ".join(filter(None, [", ".join(row.profile_ids), ", ".join(row.others), key]))
    state = f"undone by {row.undone_by}: {row.undone_reason}" if row.undone_at else "holds"
    return (str(row.id), row.made_at, row.what, about, f"{row.made_by}: {row.reason}", state)
