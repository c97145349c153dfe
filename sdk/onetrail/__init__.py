"""onetrail: tracking for desktop and IoT apps that survives crashes and bad networks.

    from onetrail import Tracker

    with Tracker("http://127.0.0.1:8000", source="demo") as t:
        t.track("page-view", url="https://shop.example/")
        t.identify(email="ann@shop.test")

Importing this loads next to nothing; the parts come in when they are first used.
"""

from __future__ import annotations

import typing

from onetrail._version import __version__

if typing.TYPE_CHECKING:
    from onetrail.async_tracker import AsyncTracker
    from onetrail.settings import Settings
    from onetrail.tracker import Tracker

__all__ = ["AsyncTracker", "Settings", "Tracker", "__version__"]

_HOMES = {
    "AsyncTracker": "onetrail.async_tracker",
    "Settings": "onetrail.settings",
    "Tracker": "onetrail.tracker",
}


def __getattr__(name: str) -> typing.Any:
    """Loads a public name from its home at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415  first use

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
