"""Counts by name: what was delivered, changed, refused. Thread-safe."""

from __future__ import annotations

import threading


class Tally:
    """Counters that only rise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def add(self, name: str, count: int = 1) -> None:
        """Counts."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + count

    def before_fork(self) -> None:
        """Holds the lock, so that no other thread does."""
        self._lock.acquire()

    def after_fork(self) -> None:
        """Lets it go again, in parent and child."""
        self._lock.release()

    def abandon(self) -> None:
        """After a fork without hooks: whoever held the lock is not there."""
        self._lock = threading.Lock()

    def read(self) -> dict[str, int]:
        """All counts so far."""
        with self._lock:
            return dict(self._counts)
