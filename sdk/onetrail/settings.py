"""What can be tuned beyond the tracker's options; the defaults are meant to be left alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Durability = Literal["process", "power", "grouped"]
_TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Settings(NamedTuple):
    """Frozen settings of one tracker. `settings._replace(...)` makes a changed copy.

    Names carry their units: `_s` seconds, `_bytes` bytes.
    """

    batch_events: int = 1000
    """Most events in one request; the collector takes a thousand."""
    batch_bytes: int = 400_000
    """Most bytes of events in one request, uncompressed; a larger event goes alone."""
    gzip: bool = True
    """Whether larger requests are compressed."""
    send_interval_s: float = 1.0
    """How long the first event waits for company before it is sent."""
    connect_timeout_s: float = 5.0
    """How long a connection may take to come up."""
    read_timeout_s: float = 15.0
    """How long the collector may take to answer."""
    group_interval_s: float = 2.0
    """With durability="grouped": how long events wait for the next commit."""
    max_events: int = 100_000
    """Most events that wait; beyond it the oldest go, and are counted."""
    max_bytes: int = 64 * 1024 * 1024
    """Most bytes that wait on disk; likewise."""
    max_age_s: float = 90 * 86_400.0
    """Longest an event waits; likewise."""
    session_timeout_s: float = 0.0
    """After so long without an event the next one begins a new session; 0: never."""
    exit_timeout_s: float = 1.0
    """How long close() and the end of the program may wait; the rest stays on disk."""
    backoff_cap_s: float = 60.0
    """Longest random wait between attempts; a longer Retry-After is still obeyed."""
    backoff_base_s: float = 0.5
    """Longest random wait after the first failure."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from `ONETRAIL_<NAME>` variables, such as `ONETRAIL_BATCH_EVENTS=100`.

        Raises:
            ValueError: a variable is no number of the kind its setting needs.
        """
        environ = os.environ if environ is None else environ
        changed: dict[str, Any] = {}
        for name, default in cls._field_defaults.items():
            key = f"ONETRAIL_{name.upper()}"
            if key in environ:
                changed[name] = _number(key, environ[key], type(default))
        return cls()._replace(**changed)


def _number(key: str, text: str, kind: type) -> Any:
    try:
        return _TRUTH[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise ValueError(f"{key} is {text!r}; it must be {kind.__name__}") from None
