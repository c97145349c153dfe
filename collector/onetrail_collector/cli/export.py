"""`export`: events and profiles as files, and all of one person as JSON; the collector may run."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click

from onetrail_collector.api.person import note_export, person_json
from onetrail_collector.cli.database import database, operator, with_stored
from onetrail_collector.clock import system_clock, to_ms
from onetrail_collector.exports import Csv, JsonLines, NotInstalled, Parquet, Writer
from onetrail_collector.store import export as rows
from onetrail_collector.store.database import UnusableDatabase
from onetrail_collector.store.sqlite import SqliteStore

FORMATS = ("jsonl", "csv", "parquet")


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A date or a time (RFC 3339; without a zone: UTC), as milliseconds since 1970."""

    name = "time"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002
        ctx: click.Context | None,  # noqa: ARG002
    ) -> int:
        """Milliseconds since 1970."""
        if isinstance(value, int):
            return value
        try:
            return to_ms(datetime.fromisoformat(value))
        except ValueError:
            self.fail(f"{value!r} is no date or time; write 2026-11-23 or 2026-11-23T14:05:06Z")


@click.group()
def export() -> None:
    """Write out events, profiles, or all about one person."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.option(
                "--format", "form", type=click.Choice(FORMATS), default="jsonl", show_default=True
            ),
            click.option("--since", type=Moment(), help="From this time on."),
            click.option("--until", type=Moment(), help="Before this time."),
            click.option("--source", help="Of this source alone."),
            click.option(
                "-o",
                "--output",
                type=click.Path(dir_okay=False, path_type=Path),
                help="A file; else standard output.",
            ),
        )
    ):
        command = option(command)
    return database(command)


@export.command("events")
@click.option("--type", "event_type", help="Of this type alone.")
@_options
def export_events(  # noqa: PLR0913, PLR0917 - an option each
    event_type: str | None,
    db: Path,
    output: Path | None,
    form: str,
    since: int | None,
    until: int | None,
    source: str | None,
) -> None:
    """All events, in the order in which they were stored; --since and --until by their time."""
    wanted = _wanted(since, until, source, event_type)
    _export(rows.events(db, wanted), rows.EventRow._fields, form, output)


@export.command("profiles")
@_options
def export_profiles(  # noqa: PLR0913, PLR0917 - an option each
    db: Path,
    output: Path | None,
    form: str,
    since: int | None,
    until: int | None,
    source: str | None,
) -> None:
    """All profiles, with keys and traits; --since and --until by when they were last seen."""
    wanted = _wanted(since, until, source, None)
    _export(rows.profiles(db, wanted), rows.PersonRow._fields, form, output)


@export.command("profile")
@click.argument("profile_id", metavar="ID")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path))
@database
def export_profile(profile_id: str, db: Path, output: Path | None) -> None:
    """All that is stored about the person with this profile ID, as one JSON document."""

    async def write(store: SqliteStore) -> bool:
        number = await note_export(store, profile_id, made_by=operator(), now_ms=system_clock())
        if number is None:
            return False
        with _file(output) as file:
            async for part in person_json(store, number, now_ms=system_clock()):
                file.write(part)
        return True

    if not with_stored(db, write):
        raise click.ClickException(f"no profile has the profile ID {profile_id}")


def _wanted(
    since: int | None, until: int | None, source: str | None, event_type: str | None
) -> rows.Wanted:
    wanted = rows.Wanted(source=source, type=event_type)
    return wanted._replace(
        since_ms=wanted.since_ms if since is None else since,
        until_ms=wanted.until_ms if until is None else until,
    )


def _export(
    pages: Iterator[rows.Page], names: tuple[str, ...], form: str, output: Path | None
) -> None:
    if form == "parquet" and output is None:
        raise click.ClickException("a Parquet file cannot be streamed; name one with --output")
    written = 0
    try:
        with (
            _file(output) as file,
            click.progressbar(length=1, label="exporting", file=sys.stderr) as bar,
        ):
            writer = _writer(form, file, names)
            for page in pages:
                writer.write(page.rows)
                written += len(page.rows)
                bar.length = max(page.total, 1)
                bar.update(page.done - bar.pos)
            writer.close()
    except (UnusableDatabase, NotInstalled) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{written:,} rows", err=True)


def _writer(form: str, file: IO[bytes], names: tuple[str, ...]) -> Writer:
    if form == "jsonl":
        return JsonLines(file)
    return Csv(file, names) if form == "csv" else Parquet(file, names)


@contextmanager
def _file(output: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that has its name only when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = output.with_name(f"{output.name}.part")
    with part.open("wb") as file:
        yield file
    part.replace(output)
