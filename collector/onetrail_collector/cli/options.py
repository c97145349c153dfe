"""Flags become settings: options made from the table of settings, for commands that read it."""

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from onetrail_collector.settings import SETTINGS, Effective, InvalidSettings, Setting, load

CONFIG_OPTION = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file; else ONETRAIL_CONFIG, else ./onetrail.toml where there is one.",
)


def effective(config: Path | None, flags: Mapping[str, str]) -> Effective:
    """The settings that hold for this command; wrong ones end it."""
    try:
        return load(config, os.environ, flags)
    except InvalidSettings as error:
        raise click.ClickException(str(error)) from None


def settings_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--config`, `--set`, and a flag for each key of no section; `command` gets Effective."""
    own = [setting for setting in SETTINGS.values() if setting.flag]

    @functools.wraps(command)
    def with_settings(config: Path | None, assignments: tuple[str, ...], **given: Any) -> None:
        names = {setting.name for setting in own}
        flags = {name: str(value) for name, value in given.items() if value is not None}
        more = {name: value for name, value in given.items() if name not in names}
        flags = {name: value for name, value in flags.items() if name in names}
        command(effective(config, flags | dict(map(_assignment, assignments))), **more)

    decorated = click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any setting, as identity.phone_region=CH; may be repeated.",
    )(with_settings)
    for setting in reversed(own):
        decorated = _flag(setting)(decorated)
    return CONFIG_OPTION(decorated)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
    return name.strip(), value.strip()


def _flag(setting: Setting) -> Callable[..., Any]:
    default = f"[default: {setting.default}]"
    flag = str(setting.flag)
    description = setting.description.replace("`", "")
    if bool in setting.alternatives:
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=description)
    if setting.choices:
        kind: Any = click.Choice(setting.choices)
    else:
        kind = click.INT if int in setting.alternatives else click.STRING
    return click.option(flag, type=kind, help=f"{description}  {default}")
