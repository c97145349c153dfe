"""Ends a request that goes on for ever: httpx limits each read, a slow loris sends in time.

One thread watches while requests are under way, and looks a few times within the limit. Arming it
costs next to nothing; it ends by itself when nothing has been under way for a while.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOKS = 8  # within one limit: it bites at most an eighth of the limit late


class Watchdog:
    """Calls `bite` when a request takes longer than `limit_s`."""

    def __init__(self, limit_s: float, bite: Callable[[], None]) -> None:
        self._limit_s = limit_s
        self._bite = bite
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._watching = False

    def arm(self) -> None:
        """A request begins."""
        with self._lock:
            self._deadline = time.monotonic() + self._limit_s
            if self._watching:
                return
            self._watching = True
        threading.Thread(target=self._watch, name="onetrail-watchdog", daemon=True).start()

    def disarm(self) -> None:
        """The request has ended."""
        with self._lock:
            self._deadline = None

    def _watch(self) -> None:
        while True:
            time.sleep(self._limit_s / _LOOKS)
            with self._lock:
                if self._deadline is None:
                    self._watching = False
                    return
                if time.monotonic() < self._deadline:
                    continue
                self._deadline = None
                self._watching = False
            self._bite()
            return
