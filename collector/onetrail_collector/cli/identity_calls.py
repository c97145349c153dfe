"""How a command makes a call of the admin API on the file itself, and how its answer is printed.

The collector may run meanwhile: it reads what is stored in each of its commits, so that it sees a
decision from the next one on.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from onetrail_collector.api.operation import Call, Nothing
from onetrail_collector.auth import Caller
from onetrail_collector.cli.database import CONFIG_KEY, operator, with_stored
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
            caller=Caller(operator()),
            eraser=unused,
            refusals=unused,
            request=unused,
        )
        return await operation(call)

    try:
        return with_stored(db, work)
    except Refused as refusal:
        raise click.ClickException(refusal.detail) from None
    except msgspec.ValidationError as error:
        raise click.ClickException(str(error)) from None


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
