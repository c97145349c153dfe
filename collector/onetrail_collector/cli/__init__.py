"""The command line: `onetrail-collector serve`, and what an operator sets up and looks after."""

import click

from onetrail_collector.cli.lazy import LazyGroup

COMMANDS = {
    "backup": "upkeep:backup",
    "check": "upkeep:check",
    "config": "config:config",
    "erase": "erase:erase",
    "export": "export:export",
    "identity": "identity:identity",
    "import": "import_events:import_events",
    "quarantine": "quarantine:quarantine",
    "serve": "serve:serve",
    "sources": "sources:sources",
    "suppressions": "erase:suppressions",
    "tokens": "tokens:tokens",
    "vacuum": "upkeep:vacuum",
}


@click.group(
    cls=LazyGroup, where=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="onetrail")
def cli() -> None:
    """Collect events, issue profile IDs, resolve identities: many devices, one trail."""
