"""`identity show`, `why`, `graph`, `history`, and what was not joined: who is who, and why."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from onetrail_collector.api import (
    blocked as api_blocked,
)
from onetrail_collector.api import (
    identity_graph,
    identity_history,
    identity_lists,
    identity_why,
    profiles,
)
from onetrail_collector.api.identity_views import LinkView
from onetrail_collector.api.operation import Nothing
from onetrail_collector.api.profile_views import Profile, TraitView
from onetrail_collector.cli.database import database
from onetrail_collector.cli.identity_calls import (
    WHO,
    answer,
    as_json,
    is_key,
    page,
    person,
    show,
    table,
)


@click.command("show")
@click.argument("who", metavar=WHO)
@as_json
@database
def show_profile(who: str, db: Path, *, as_json: bool) -> None:
    """Who somebody is, by any of their profile IDs or keys: devices, keys, facts."""
    if is_key(db, who):
        found = answer(db, profiles.profiles_by_key, profiles.ByKey(who))
        people = found.profiles
    else:
        found = answer(db, profiles.profile_by_id, profiles.ByProfileId(who))
        people = [found]
    show(found, [line for person in people for line in _person(person)], as_json=as_json)


@click.command()
@click.argument("a", metavar=WHO)
@click.argument("b", metavar=WHO)
@as_json
@database
def why(a: str, b: str, db: Path, *, as_json: bool) -> None:
    """Why two profile IDs are one profile, or what keeps them apart."""
    asked = identity_why.WhyAsked(person(db, a), person(db, b))
    found = answer(db, identity_why.why, asked)
    show(
        found,
        [found.sentence],
        [_link(link) for hop in found.chain for link in hop.links],
        as_json=as_json,
    )


@click.command()
@click.argument("profile_id", metavar=WHO)
@click.option("--limit", type=click.IntRange(1, 2000), default=200, help="At most so many devices.")
@as_json
@database
def graph(profile_id: str, limit: int, db: Path, *, as_json: bool) -> None:
    """The picture of a profile, for Graphviz: identity graph PROFILE_ID | dot -Tsvg > ann.svg."""
    asked = identity_graph.GraphAsked(person(db, profile_id), limit, "json" if as_json else "dot")
    found = answer(db, identity_graph.graph, asked)
    show(found, [] if as_json else found.body.decode().splitlines(), as_json=as_json)


@click.command()
@click.argument("profile_id", metavar=WHO)
@page
@as_json
@database
def history(profile_id: str, limit: int, db: Path, *, as_json: bool) -> None:
    """Every merge, split and refusal of a profile, the newest first."""
    asked = identity_history.HistoryAsked(person(db, profile_id), limit)
    found = answer(db, identity_history.history, asked)
    rows = [
        (
            row.time,
            row.what,
            row.profile,
            row.other,
            f"{row.key.kind}:{row.key.value}" if row.key else "",
            row.refused or "",
            _cause(row),
        )
        for row in found.history
    ]
    show(found, rows=rows, as_json=as_json)


@click.command()
@click.option(
    "--reason",
    type=click.Choice(get_args(identity_lists.Inactive)),
    default="shared",
    show_default=True,
    help="Why they join nobody: too many devices use them, an operator or the policy says so.",
)
@page
@as_json
@database
def shared(reason: Any, limit: int, db: Path, *, as_json: bool) -> None:
    """Values that join nobody, whoever uses them."""
    found = answer(db, identity_lists.shared, identity_lists.SharedAsked(reason, limit))
    rows = [(row.key.kind, row.key.value, f"{row.profile_ids:,} profile IDs") for row in found.keys]
    show(found, rows=rows, as_json=as_json)


@click.command()
@click.option(
    "--reason",
    type=click.Choice(get_args(identity_lists.Conflict)),
    default="exclusive",
    show_default=True,
    help="Why they were refused.",
)
@page
@as_json
@database
def conflicts(reason: Any, limit: int, db: Path, *, as_json: bool) -> None:
    """Links that were refused; of values that join nobody at all, see: identity shared."""
    found = answer(db, identity_lists.conflicts, identity_lists.ConflictsAsked(reason, limit))
    counts = ", ".join(f"{count:,} {name}" for name, count in found.counts.items() if count)
    show(found, [counts] if counts else [], [_link(link) for link in found.links], as_json=as_json)


@click.command()
@as_json
@database
def blocked(db: Path, *, as_json: bool) -> None:
    """How often values were sent that are blocked, as "guest"; they link nobody."""
    found = answer(db, api_blocked.blocked_values, Nothing())
    rows = [
        (
            f"{row.kind}:{row.entry}",
            f"{row.count:,} sent",
            f"from {row.first_seen}",
            f"to {row.last_seen}",
        )
        for row in found.blocked_values
    ]
    show(found, rows=rows, as_json=as_json)


def _person(person: Profile) -> Iterator[str]:
    """A profile in lines: what is known of it as a whole, its devices, its keys, its facts."""

    def count(number: int, noun: str) -> str:
        more = "+" if number == person.counted_to else ""
        return f"{number:,}{more} {noun}{'' if number == 1 else 's'}"

    whole = [
        count(person.profile_id_count, "device"),
        count(person.sessions, "session"),
        count(person.events, "event"),
        f"seen from {person.first_seen or 'never'} to {person.last_seen or 'never'}",
    ]
    yield f"profile {person.id}: {', '.join(whole)}"
    parts = {
        "devices": [
            (one.id, one.source, count(one.events, "event"), one.last_seen or "never")
            for one in person.profile_ids
        ],
        "keys": [
            (f"{key.kind}:{key.value}", key.profile_id, key.time, key.refused or "joins")
            for key in person.keys
        ],
        "facts": [
            (name, _json(trait.value), trait.time, _lost(trait))
            for name, trait in person.traits.items()
        ],
    }
    for name, rows in parts.items():
        if rows:
            yield f"  {name}"
            yield from (f"    {line}" for line in table(rows))


def _lost(trait: TraitView) -> str:
    values = ", ".join(_json(other.value) for other in trait.lost)
    return f"before: {values}" if values else ""


def _json(value: msgspec.Raw) -> str:
    return bytes(value).decode()


def _cause(row: identity_history.HistoryView) -> str:
    by = f"{row.made_by}: {row.reason}"
    return {
        "event": f"event {row.event_id}" if row.event_id else "another profile's event",
        "decision": f"decision {row.decision} of {by}",
        "undo": f"decision {row.decision} undone by {by}",
        "policy": "the policy changed",
        "erasure": "somebody else was erased",
        "export": f"to {row.made_by}",
        "background": "left to the background by an event or a decision",
    }[row.cause]


def _link(link: LinkView) -> Sequence[str]:
    key = f"{link.key.kind}:{link.key.value}"
    return (link.profile_id, key, link.source, link.time, link.event_id, link.refused or "joins")
