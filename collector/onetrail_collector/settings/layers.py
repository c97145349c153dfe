"""Four layers, each stronger than the one before: defaults, a TOML file, the environment, flags.

`load` is a function of the three that are given; what it answers says of each value its origin.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import msgspec

from onetrail_collector.identity.policy import Policy
from onetrail_collector.settings.errors import InvalidSettings, unknown
from onetrail_collector.settings.identity import to_policy
from onetrail_collector.settings.sections import Settings
from onetrail_collector.settings.table import SETTINGS, Setting

FILE = Path("onetrail.toml")  # read where it is, without being named
CONFIG_VARIABLE = "ONETRAIL_CONFIG"

# ONETRAIL_ variables that are not ours: the Python SDK's, whose program may share the environment,
# and what Kubernetes sets for a service named onetrail.
SDK_VARIABLES = frozenset(
    f"ONETRAIL_{name}"
    for name in (
        *("URL", "SOURCE", "BATCH_EVENTS", "BATCH_BYTES", "GZIP", "SEND_INTERVAL_S"),
        *("CONNECT_TIMEOUT_S", "READ_TIMEOUT_S", "GROUP_INTERVAL_S", "MAX_EVENTS", "MAX_BYTES"),
        *("MAX_AGE_S", "SESSION_TIMEOUT_S", "EXIT_TIMEOUT_S", "BACKOFF_CAP_S", "BACKOFF_BASE_S"),
    )
)
SERVICE_LINKS = ("ONETRAIL_SERVICE_", "ONETRAIL_PORT_")

TRUTH = {"yes": "true", "on": "true", "no": "false", "off": "false"}


class Given(NamedTuple):
    """A value as it was found: in TOML typed, else as text."""

    value: Any
    origin: str
    is_text: bool


class Effective(NamedTuple):
    """The settings that hold, and for each by name its value and its origin."""

    settings: Settings
    values: dict[str, Any]
    origins: dict[str, str]


def load(
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
) -> Effective:
    """The settings of a file, `environ` and `flags` (texts by dotted name). Raises InvalidSettings.

    Without `config` the file is what ONETRAIL_CONFIG names, else ./onetrail.toml if there is one.
    """
    environ, flags = environ or {}, flags or {}
    path = config or _file(environ)
    given: dict[str, Given] = {}
    if path is not None:
        given |= _from_table(_read(path), f"file {path}")
    given |= _from_environment(environ)
    given |= _from_flags(flags)
    values = {
        name: _convert(setting, given[name]) if name in given else setting.default
        for name, setting in SETTINGS.items()
    }
    origins = {name: given[name].origin if name in given else "default" for name in SETTINGS}
    return Effective(_build(values), values, origins)


def load_policy(path: Path) -> Policy:
    """The identity policy of a TOML file alone. Raises InvalidSettings."""
    return load(path).settings.policy


def _file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    return FILE if FILE.is_file() else None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise InvalidSettings(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{path} is not TOML: {error}") from None


def _from_table(table: Mapping[str, Any], origin: str, prefix: str = "") -> dict[str, Given]:
    given: dict[str, Given] = {}
    known = {name.removeprefix(prefix).split(".")[0] for name in _within(prefix)}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if name in SETTINGS:
            given[name] = Given(value, origin, is_text=False)
        elif key not in known:
            raise unknown(key, known, where=prefix)
        elif isinstance(value, Mapping):
            given |= _from_table(value, origin, f"{name}.")
        else:
            raise InvalidSettings(f"{name} is {value!r} ({origin}); expected a table, as [{name}]")
    return given


def _within(prefix: str) -> Iterator[str]:
    return (name for name in SETTINGS if name.startswith(prefix))


def _from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    by_variable = {setting.variable: setting.name for setting in SETTINGS.values()}
    given = {}
    for variable, text in environ.items():
        if not variable.startswith("ONETRAIL_") or _is_foreign(variable, text):
            continue
        if variable not in by_variable:
            raise unknown(variable, [*by_variable, CONFIG_VARIABLE])
        given[by_variable[variable]] = Given(text, f"env {variable}", is_text=True)
    return given


def _is_foreign(variable: str, text: str) -> bool:
    service_link = variable.startswith(SERVICE_LINKS) or text.startswith("tcp://")
    return service_link or variable == CONFIG_VARIABLE or variable in SDK_VARIABLES


def _from_flags(flags: Mapping[str, str]) -> dict[str, Given]:
    given = {}
    for name, text in flags.items():
        if name not in SETTINGS:
            raise unknown(name, SETTINGS)
        flag = SETTINGS[name].flag or f"--set {name}"
        given[name] = Given(text, f"flag {flag}", is_text=True)
    return given


def _convert(setting: Setting, given: Given) -> Any:
    value = _from_text(setting, given.value) if given.is_text else given.value
    try:
        return msgspec.convert(value, setting.type, strict=not given.is_text, dec_hook=_decode)
    except msgspec.ValidationError as error:
        shown = "***" if setting.secret else repr(given.value)
        message = f"{setting.name} is {shown} ({given.origin}); {_expected(setting, value, error)}"
        raise InvalidSettings(message) from None


def _from_text(setting: Setting, text: str) -> Any:
    """Text as TOML would have it: `a, b` is a list, JSON a table, nothing is none."""
    kinds = setting.alternatives
    if type(None) in kinds and not text:
        return None
    if bool in kinds:
        return TRUTH.get(text.lower(), text.lower())
    if (list in kinds or dict in kinds) and text.lstrip()[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    if list in kinds:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _decode(kind: Any, value: Any) -> Any:
    """Types that TOML does not have, as paths, from the text that stands for them."""
    return kind(value)


def _expected(setting: Setting, value: object, error: msgspec.ValidationError) -> str:
    if setting.choices:
        return f"expected {' or '.join(setting.choices)}"
    if bool in setting.alternatives:
        return "expected true or false"
    if list in setting.alternatives and not isinstance(value, list):
        return f"expected a list: [...], or of tables: [[{setting.name}]] above each"
    unknown_field = re.search(r"unknown field `(.+?)`", str(error))
    if unknown_field and setting.keys_within:
        return str(unknown(unknown_field[1], setting.keys_within))
    message = str(error).replace("`", "").replace("null", "nothing").replace("object", "table")
    return f"{message[:1].lower()}{message[1:]}".replace(" - at $", ", at ")


def _build(values: Mapping[str, Any]) -> Settings:
    identity = {name: values[name] for name in _within("identity.")}
    policy = to_policy({name.removeprefix("identity."): identity[name] for name in identity})
    try:
        return Settings(policy=policy, **_fields(Settings, values, ""))
    except ValueError as error:
        raise InvalidSettings(str(error)) from None


def _fields(section: type, values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What a section is made of: its own values, and the sections within it."""
    made = {}
    for name, hint in get_type_hints(section).items():
        key = f"{prefix}{name}"
        if key in values:
            made[name] = values[key]
        elif name != "policy":
            made[name] = hint(**_fields(hint, values, f"{key}."))
    return made
