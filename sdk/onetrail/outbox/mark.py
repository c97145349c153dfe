"""What flush() waits for: a moment, not emptiness, which other threads may never let come."""

from __future__ import annotations


class Mark:
    """A moment in the outbox's life: the newest numbers on disk and in memory."""

    __slots__ = ("disk", "memory", "moves")

    def __init__(self, disk: int, memory: int, moves: int) -> None:
        self.disk, self.memory, self.moves = disk, memory, moves
