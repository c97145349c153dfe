"""A group that loads a command's module when the command is asked for.

All modules take a quarter of a second, which somebody waits for at each command.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from onetrail_collector.extra import NEEDS_EXTRA

HERE = "onetrail_collector.cli"


class LazyGroup(click.Group):
    """As https://click.palletsprojects.com/en/stable/complex/#lazily-loading-subcommands says.

    where: of each command its module here and its name there, as "upkeep:backup".
    """

    def __init__(self, *args: Any, where: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._where = where

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """In their order."""
        return list(self._where)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, or None."""
        if cmd_name not in self._where:
            return None
        module, _, name = self._where[cmd_name].partition(":")
        try:
            found: click.Command = getattr(import_module(f"{HERE}.{module}"), name)
        except ModuleNotFoundError as missing:
            raise click.ClickException(f"{missing}: {NEEDS_EXTRA}") from None
        return found
