"""The settings as rows, read off the dataclasses: name, type, default, description."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from onetrail_collector.settings.sections import Identity, Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `name` is dotted, as in the TOML file."""

    name: str
    type: Any  # what msgspec converts to, with its bounds
    default: Any
    description: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"ONETRAIL_{self.name.replace('.', '__').upper()}"

    @property
    def flag(self) -> str | None:
        """The flag of its own, which the keys of no section have."""
        return None if "." in self.name else f"--{self.name.replace('_', '-')}"

    @property
    def alternatives(self) -> list[Any]:
        """The plain types that it may have: `list` for `list[str]`, `NoneType` for `| None`."""
        return list(_alternatives(self.type))

    @property
    def choices(self) -> tuple[Any, ...]:
        """Its values, where they are a fixed few."""
        return tuple(choice for plain in _literals(self.type) for choice in get_args(plain))

    @property
    def keys_within(self) -> tuple[str, ...]:
        """The keys of the tables that it holds, where a Struct says them."""
        inner = [part for plain in _members(self.type) for part in get_args(plain)]
        structs = [part for part in inner if msgspec.inspect.is_struct_type(part)]
        return tuple(entry.name for kind in structs for entry in msgspec.structs.fields(kind))


def _rows(section: type, prefix: str = "") -> Iterator[Setting]:
    hints = get_type_hints(section, include_extras=True)
    for entry in fields(section):
        hint = hints[entry.name]
        if entry.name == "policy":
            yield from _rows(Identity, "identity.")
        elif is_dataclass(hint):
            yield from _rows(hint, f"{prefix}{entry.name}.")  # type: ignore[arg-type]
        else:
            meta = hint.__metadata__[-1]
            yield Setting(
                name=f"{prefix}{entry.name}",
                type=hint,
                default=_default(entry),
                description=meta.description or "",
                secret=bool((meta.extra or {}).get("secret")),
            )


def _default(entry: "Field[Any]") -> Any:
    return entry.default if entry.default_factory is MISSING else entry.default_factory()


def _members(hint: Any) -> Iterator[Any]:
    """The alternatives of a type, without what is annotated."""
    if get_origin(hint) is Annotated:
        yield from _members(get_args(hint)[0])
    elif get_origin(hint) in {Union, types.UnionType}:
        for member in get_args(hint):
            yield from _members(member)
    else:
        yield hint


def _alternatives(hint: Any) -> Iterator[Any]:
    return (get_origin(member) or member for member in _members(hint))


def _literals(hint: Any) -> Iterator[Any]:
    return (member for member in _members(hint) if get_origin(member) is Literal)


SETTINGS: Mapping[str, Setting] = {setting.name: setting for setting in _rows(Settings)}
"""All of them, by dotted name."""
