"""`identity rebuild`: all profiles resolved again."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from onetrail_collector.cli.database import CONFIG_KEY, database, must_be_there, with_stored
from onetrail_collector.cli.options import effective
from onetrail_collector.clock import system_clock
from onetrail_collector.policy_in_force import OtherPolicy
from onetrail_collector.rebuild import rebuild
from onetrail_collector.store import upkeep
from onetrail_collector.store.database import UnusableDatabase
from onetrail_collector.store.sqlite import SqliteStore

OTHER_POLICY = (
    "a collector that runs on this file began to apply its own policy, which is another one: give "
    "its configuration with --config, or change it there and restart it"
)


@click.command("rebuild")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.pass_context
@database
def identity_rebuild(context: click.Context, db: Path, *, dry_run: bool) -> None:
    """Resolve all profiles again under the configured policy; the collector may run meanwhile.

    A dry run does the same to a copy of the database, beside it, and throws the copy away.
    """
    policy = effective(context.meta[CONFIG_KEY], {}).settings.policy

    async def work(store: SqliteStore) -> Counter[str]:
        await store.check_key_form(policy.fingerprint)
        with click.progressbar(length=1, label="resolving") as bar:

            def show(done: int, whole: int) -> None:
                bar.length = max(whole, 1)
                bar.update(done - bar.pos)

            try:
                return await rebuild(store, policy, now_ms=system_clock(), progress=show)
            except OtherPolicy:
                raise click.ClickException(OTHER_POLICY) from None

    if not dry_run:
        _say(with_stored(db, work), "")
        return
    must_be_there(db)
    with TemporaryDirectory(dir=db.absolute().parent, prefix="onetrail-dry-run-") as folder:
        copy = Path(folder) / "copy.db"
        try:
            upkeep.back_up(db, copy, lambda _done, _whole: None)
        except UnusableDatabase as error:
            raise click.ClickException(str(error)) from None
        _say(with_stored(copy, work), "would be ")


def _say(changes: Counter[str], tense: str) -> None:
    if not changes:
        click.echo("nothing to change: every profile is as the policy says")
    for what, count in sorted(changes.items()):
        noun = "profiles" if what in {"merged", "split"} else "links"
        click.echo(f"{count:,} {noun} {tense}{what}")
