"""`identity why`, `split` and the like: the calls of the admin API, made on the file itself.

The collector may run meanwhile: it reads what is stored in each of its commits, so that it sees a
decision from the next one on.
"""

import getpass
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from onetrail_collector.api import (
    identity_decisions,
    identity_history,
    identity_lists,
    identity_why,
)
from onetrail_collector.api.identity_views import DecisionView, LinkView
from onetrail_collector.api.operation import Call, Nothing
from onetrail_collector.auth import Caller
from onetrail_collector.cli.database import CONFIG_KEY, database, with_store
from onetrail_collector.cli.options import effective
from onetrail_collector.clock import system_clock
from onetrail_collector.errors import Refused
from onetrail_collector.printable import printable
from onetrail_collector.rebuild import applied_policy, fingerprint
from onetrail_collector.store.sqlite import SqliteStore

Rows = Sequence[Sequence[str]]

as_json = click.option("--json", "as_json", is_flag=True, help="What the API answers, as JSON.")
page = click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many."
)
reason = click.option("--reason", required=True, help="Why; it is kept with the decision.")
dry_run = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")


@click.command()
@click.argument("a", metavar="PROFILE_ID")
@click.argument("b", metavar="PROFILE_ID")
@as_json
@database
def why(a: str, b: str, db: Path, *, as_json: bool) -> None:
    """Why two profile IDs are one profile, or what keeps them apart."""
    found = _call(db, identity_why.why, identity_why.WhyAsked(a, b))
    _print(
        found, as_json, [found.sentence], [_link(link) for hop in found.chain for link in hop.links]
    )


@click.command()
@click.argument("profile_id", metavar="PROFILE_ID")
@page
@as_json
@database
def history(profile_id: str, limit: int, db: Path, *, as_json: bool) -> None:
    """Every merge, split and refusal of a profile, the newest first."""
    asked = identity_history.HistoryAsked(profile_id, limit)
    found = _call(db, identity_history.history, asked)
    rows = [
        (
            row.time,
            row.what,
            row.profile,
            row.other,
            f"{row.key.kind}:{row.key.value}" if row.key else "",
            row.refused or "",
            f"{row.made_by}: {row.reason}" if row.made_by else f"event {row.event_id or '-'}",
        )
        for row in found.history
    ]
    _print(found, as_json, [], rows)


@click.command()
@click.argument("profile_id", metavar="PROFILE_ID")
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
    body: dict[str, Any] = {"reason": reason, "profile_ids": list(parted)}
    if link:
        body["link"] = {"profile_id": link[0], "key": link[1]}
    asked = identity_decisions.ProfileAsked(profile_id, dry_run)
    found = _call(db, identity_decisions.split, asked, body, identity_decisions.SplitBody)
    _print_decided(found, as_json=as_json)


@click.command()
@click.argument("profile_id", metavar="PROFILE_ID")
@click.argument("other", metavar="PROFILE_ID")
@reason
@dry_run
@as_json
@database
def join(  # noqa: PLR0913 - an option each
    profile_id: str, other: str, reason: str, db: Path, *, dry_run: bool, as_json: bool
) -> None:
    """Say that two profiles are one person."""
    asked = identity_decisions.ProfileAsked(profile_id, dry_run)
    body = {"reason": reason, "other": other}
    found = _call(db, identity_decisions.join, asked, body, identity_decisions.JoinBody)
    _print_decided(found, as_json=as_json)


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
    found = _call(db, identity_decisions.refuse_key, asked, body, identity_decisions.RefuseKeyBody)
    _print_decided(found, as_json=as_json)


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
    found = _call(db, identity_decisions.undo_decision, asked, body, identity_decisions.UndoBody)
    _print_decided(found, as_json=as_json)


@click.command()
@page
@as_json
@database
def decisions(limit: int, db: Path, *, as_json: bool) -> None:
    """All decisions, the newest first, with who, why and when."""
    asked = identity_decisions.DecisionsAsked(limit)
    found = _call(db, identity_decisions.decisions, asked)
    _print(found, as_json, [], [_decision(row) for row in found.decisions])


@click.command()
@page
@as_json
@database
def shared(limit: int, db: Path, *, as_json: bool) -> None:
    """Values that join nobody because too many devices use them."""
    found = _call(db, identity_lists.shared, identity_lists.SharedAsked(limit=limit))
    rows = [(row.key.kind, row.key.value, f"{row.profile_ids:,} profile IDs") for row in found.keys]
    _print(found, as_json, [], rows)


@click.command()
@click.option(
    "--reason",
    type=click.Choice(["exclusive", "limit", "apart", "link_refused", "unsettled"]),
    default="exclusive",
    show_default=True,
    help="Why they were refused.",
)
@page
@as_json
@database
def conflicts(reason: Any, limit: int, db: Path, *, as_json: bool) -> None:
    """Links that were refused."""
    found = _call(db, identity_lists.conflicts, identity_lists.ConflictsAsked(reason, limit))
    counts = ", ".join(f"{count:,} {name}" for name, count in found.counts.items() if count)
    _print(found, as_json, [counts] if counts else [], [_link(link) for link in found.links])


COMMANDS = (why, history, split, join, refuse_key, undo, decisions, shared, conflicts)


def _call(
    db: Path,
    answer: Callable[[Call[Any, Any]], Awaitable[Any]],
    asked: msgspec.Struct,
    body: dict[str, Any] | None = None,
    shape: type[msgspec.Struct] = Nothing,
) -> Any:
    """What a call of the API answers; a refusal ends the command in words."""
    settings = effective(click.get_current_context().meta[CONFIG_KEY], {}).settings

    async def work(store: SqliteStore) -> Any:
        if body is not None:
            await store.settle_key_form(settings.policy.fingerprint)
            applied = await applied_policy(store)
            if applied not in {None, fingerprint(settings.policy)}:
                raise click.ClickException(
                    f"{db} was resolved under another policy than the one configured here; "
                    "give the collector's configuration with --config"
                )
        unused: Any = None  # these calls need the store and the policy
        call = Call(
            store=store,
            ingest=unused,
            settings=settings,
            clock=system_clock,
            asked=asked,
            body=msgspec.convert(body or {}, shape),
            caller=Caller(f"{getpass.getuser()} on the command line"),
            eraser=unused,
            refusals=unused,
            request=unused,
        )
        return await answer(call)

    try:
        return with_store(db, work)
    except Refused as refusal:
        raise click.ClickException(refusal.detail) from None
    except msgspec.ValidationError as error:
        raise click.ClickException(str(error)) from None


def _print_decided(found: identity_decisions.Decided, *, as_json: bool) -> None:
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
    if not found.after and not found.links:
        lines.append("nothing changes")
    if not found.settled:
        lines.append("the rest is done in the background, by the collector")
    _print(found, as_json, lines, [])


def _print(found: msgspec.Struct, as_json: bool, lines: Sequence[str], rows: Rows) -> None:  # noqa: FBT001
    """Lines, then a table whose columns are as wide as they must be; or JSON."""
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    for line in lines:
        click.echo(printable(line))
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    if not lines and not rows:
        click.echo("nothing")


def _link(link: LinkView) -> Sequence[str]:
    key = f"{link.key.kind}:{link.key.value}"
    return (link.profile_id, key, link.source, link.time, link.event_id, link.refused or "joins")


def _decision(row: DecisionView) -> Sequence[str]:
    key = f"{row.key.kind}:{row.key.value}" if row.key else ""
    about = " ".join(filter(None, [", ".join(row.profile_ids), ", ".join(row.others), key]))
    state = f"undone by {row.undone_by}: {row.undone_reason}" if row.undone_at else "holds"
    return (str(row.id), row.made_at, row.what, about, f"{row.made_by}: {row.reason}", state)
