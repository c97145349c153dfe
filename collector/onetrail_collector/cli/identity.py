"""`identity`: what an operator does to who is who."""

import click

from onetrail_collector.cli.identity_import import identity_import


@click.group()
def identity() -> None:
    """Who is who: import what another system knows."""


identity.add_command(identity_import)
