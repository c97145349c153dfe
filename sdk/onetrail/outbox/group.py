"""One commit per interval instead of one per event: kind to flash, at the price of an interval.

What was tracked since the last commit is in memory, and lost if the app is killed or the power
cut; flush(), close() and a normal exit commit first.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from onetrail.outbox.rows import Event, Session

_MOST = 5_000  # a burst is committed early: memory stays bounded


class Group:
    """Gathers events and hands them on together. Thread-safe."""

    def __init__(
        self, interval_s: float, commit: Callable[[list[tuple[Session, Event]]], None]
    ) -> None:
        self._interval_s = interval_s
        self._commit = commit
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._events: list[tuple[Session, Event]] = []
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def append(self, session: Session, event: Event) -> None:
        """Keeps an event for the next commit."""
        with self._lock:
            self._events.append((session, event))
            if self._thread is None:
                name = "onetrail-group"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                with contextlib.suppress(RuntimeError):  # the interpreter is ending
                    self._thread.start()
        self._some.set()
        if len(self._events) >= _MOST or self._end.is_set():
            self.commit()

    def commit(self) -> None:
        """Hands on what was gathered; when it returns, that is committed."""
        with self._lock:
            events, self._events = self._events, []
            self._some.clear()
            if events:
                self._commit(events)

    def stop(self) -> None:
        """Commits, and ends the thread; later events are committed one by one."""
        self._end.set()
        self._some.set()
        self.commit()

    def before_fork(self) -> None:
        """Holds the lock."""
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Goes on; what the parent has gathered is the parent's to commit."""
        self._lock.release()
        if in_child:
            self._begin_anew()

    def abandon(self) -> None:
        """After a fork without hooks: what was gathered is the parent's."""
        self._begin_anew()

    def _run(self) -> None:
        while not self._end.is_set():
            self._some.wait()
            self._end.wait(self._interval_s)
            self.commit()
