"""`config`: the settings that hold."""

import json

import click
import msgspec

from onetrail_collector.cli.options import settings_options
from onetrail_collector.settings import SETTINGS, Effective, Setting


@click.command()
@settings_options
def config(found: Effective) -> None:
    """Print the settings that hold, as TOML, and where each comes from; secrets are masked."""
    lines = [to_line(SETTINGS[name], value) for name, value in found.values.items()]
    width = min(max(map(len, lines)), 60)
    for line, origin in zip(lines, found.origins.values(), strict=True):
        click.echo(f"{line:<{width}}  # {origin}")


def to_toml(value: object) -> str:
    """A value as TOML 1.0 has it on one line."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {to_toml(inner)}" for key, inner in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(to_toml, value))}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)


def to_line(setting: Setting, value: object) -> str:
    """A setting as a line of TOML; a comment where it has no value."""
    if value is None:
        return f"# {setting.name} is not set"
    return f"{setting.name} = {to_toml('***' if setting.secret else value)}"
