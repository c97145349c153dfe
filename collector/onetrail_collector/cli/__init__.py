"""The command line: `onetrail-collector serve`, and what an operator sets up and looks after."""

import click

from onetrail_collector.cli import (
    config,
    erase,
    export,
    identity,
    import_events,
    quarantine,
    serve,
    sources,
    tokens,
    upkeep,
)
from onetrail_collector.cli.signing import sources_sign


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="onetrail")
def cli() -> None:
    """Collect events, issue profile IDs, resolve identities: many devices, one trail."""


sources.sources.add_command(sources_sign)
for command in (
    serve.serve,
    identity.identity,
    config.config,
    sources.sources,
    tokens.tokens,
    identity.identity,
    upkeep.backup,
    upkeep.check,
    upkeep.vacuum,
    export.export,
    import_events.import_events,
    erase.erase,
    erase.suppressions,
    quarantine.quarantine,
):
    cli.add_command(command)
