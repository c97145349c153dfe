"""How a command makes a call of the admin API on the file itself, and how its answer is printed.

The collector may run meanwhile: it reads what is stored in each of its commits, so that it sees a
decision from the next one on.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from onetrail_collector.api import profiles
from onetrail_collector.api.operation import Call, Nothing, fitting
from onetrail_collector.auth import Caller
from onetrail_collector.cli.database import CONFIG_KEY, OTHER_POLICY, operator, with_stored
from onetrail_collector.cli.options import effective
from onetrail_collector.clock import system_clock
from onetrail_collector.errors import Refused
from onetrail_collector.policy_in_force import applied_policy, fingerprint
from onetrail_collector.printable import printable
from onetrail_collector.store.sqlite import SqliteStore

Rows = Sequence[Sequence[str]]

COMMANDS = {
    "GET /identity/decisions": "identity decisions",
    "GET /profiles/{id}/graph": "identity graph ID",
    "GET /profiles?key=KIND:VALUE": "identity show KIND:VALUE",
}

WHO = "PROFILE_ID|KIND:VALUE"

as_json = click.option("--json", "as_json", is_flag=True, help="What the API answers, as JSON.")
page = click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many."
)


def answer(
    db: Path,
    operation: Callable[[Call[Any, Any]], Awaitable[Any]],
    asked: msgspec.Struct,
    body: dict[str, Any] | None = None,
    shape: type[msgspec.Struct] = Nothing,
) -> Any:
    """What a call of the API answers; a refusal ends the command in words."""
    settings = effective(click.get_current_context().meta[CONFIG_KEY], {}).settings

    async def work(store: SqliteStore) -> Any:
        await store.check_key_form(settings.policy.fingerprint)
        if body is not None:
            await store.settle_key_form(settings.policy.fingerprint)
            applied = await applied_policy(store)
            if applied not in {None, fingerprint(settings.policy)}:
                raise click.ClickException(f"{db} {OTHER_POLICY}")
        unused: Any = None  # these calls need the store and the policy
        call = Call(
            store=store,
            ingest=unused,
            settings=settings,
            clock=system_clock,
            asked=asked,
            body=fitting(shape, body or {}),
            caller=Caller(operator()),
            eraser=unused,
            refusals=unused,
            request=unused,
        )
        return await operation(call)

    try:
        return with_stored(db, work)
    except Refused as refusal:
        raise click.ClickException(_for_commands(refusal.detail)) from None


def person(db: Path, who: str) -> str:
    """The profile ID that somebody typed, or that of the one profile with a key, as KIND:VALUE."""
    if not is_key(db, who):
        return who
    found = answer(db, profiles.profiles_by_key, profiles.ByKey(who))
    people: list[str] = [profile.id for profile in found.profiles]
    if len(people) != 1:
        several = f"{len(people)} profiles have" if people else "no profile has"
        which = f"; name one by its profile ID: {', '.join(people)}" if people else ""
        raise click.ClickException(f"{several} the key {who[:80]!r}{which}")
    return people[0]


def is_key(db: Path, who: str) -> bool:
    """Whether it is a key: a profile ID that a source made itself may hold a colon as well."""
    return ":" in who and not with_stored(db, lambda store: store.identity.members([who]))


def _for_commands(detail: str) -> str:
    """What a refusal says, with commands where it names calls of the API."""
    for call, command in COMMANDS.items():
        detail = detail.replace(call, f"onetrail-collector {command}")
    return detail


def show(found: Any, lines: Sequence[str] = (), rows: Rows = (), *, as_json: bool) -> None:
    """Lines, then a table; or the whole as JSON."""
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    for line in [*lines, *table(rows)]:
        click.echo(printable(line))
    if not lines and not rows:
        click.echo("nothing")


def table(rows: Rows) -> list[str]:
    """A line a row, with columns as wide as they must be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
