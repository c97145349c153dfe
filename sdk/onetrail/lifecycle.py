"""What happens to trackers at a fork and at the end of the program."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import TYPE_CHECKING

from onetrail import late

if TYPE_CHECKING:
    from onetrail.tracker import Tracker

_living: weakref.WeakSet[Tracker] = weakref.WeakSet()
_held: list[Tracker] = []
_watching = False
_lock = threading.Lock()  # of two threads that fork at once, one waits


def watch(tracker: Tracker) -> None:
    """Closes the tracker when the program ends, and carries it safely through forks."""
    global _watching  # noqa: PLW0603  hooks cannot be unregistered: once a process is enough
    with _lock:
        _living.add(tracker)
        if _watching:
            return
        _watching = True
    atexit.register(_close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
        )


def _close_all() -> None:
    with _lock:
        living = list(_living)
    for tracker in living:
        tracker.close()


def _before_fork() -> None:
    _lock.acquire()
    late.fork_lock.acquire()
    _held[:] = list(_living)
    for tracker in _held:
        tracker._before_fork()  # noqa: SLF001  one lifecycle, told in two modules


def _after_in_parent() -> None:
    _after(in_child=False)


def _after_in_child() -> None:
    _after(in_child=True)


def _after(*, in_child: bool) -> None:
    while _held:
        _held.pop()._after_fork(in_child=in_child)  # noqa: SLF001  as above
    late.fork_lock.release()
    _lock.release()
