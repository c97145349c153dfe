"""What the device says about itself: its software, never a person or a machine's name."""

from __future__ import annotations

import platform
import sys
import time
from typing import Any

from onetrail._version import __version__


def device_context(app_name: str | None, app_version: str | None) -> dict[str, Any]:
    """Library, system, Python, locale, time zone, and the app if named; computed once a tracker."""
    context: dict[str, Any] = {
        "library": {"name": "onetrail-python", "version": __version__},
        "os": {"name": platform.system() or sys.platform, "version": platform.release()},
        "arch": platform.machine(),
        "python": platform.python_version(),
        "locale": _locale(),
        "timezone": time.strftime("%z"),
    }
    app = {"name": app_name, "version": app_version}
    if named := {key: value for key, value in app.items() if value}:
        context["app"] = named
    return {key: value for key, value in context.items() if value}


def _locale() -> str | None:
    import locale  # noqa: PLC0415  needed once, not at import

    return locale.getlocale()[0]
