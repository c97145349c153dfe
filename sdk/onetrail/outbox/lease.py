"""Which process sends: the one that holds a lock on a file beside the outbox.

The operating system lets go of the lock when its process dies, however it dies, so the next one
takes over at once and no clock is involved.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


class Lease:
    """The right to send from one outbox. Held by one process, and one tracker in it, at a time."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Whether the lease is now held; never waits."""
        if self._file is not None:
            return True
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | _CLOEXEC, 0o600)
        except OSError:
            return True  # no folder to share: then nobody else is there, or ids make it harmless
        try:
            _lock(file)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Lets another process send."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)


if sys.platform == "win32":

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

else:

    def _lock(file: int) -> None:
        # flock belongs to the open file, not to the process: it also keeps two trackers of one
        # process apart.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
