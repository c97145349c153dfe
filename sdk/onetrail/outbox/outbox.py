"""The outbox: a file that is never fatal.

A damaged or foreign file is set aside under another name and a new one begun. While the disk is
full, read-only or gone, events wait in a bounded memory, which says so once; they move to the disk
as soon as it takes them.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import Counter
from typing import TYPE_CHECKING

from onetrail.log import logger
from onetrail.outbox import bounds, repair
from onetrail.outbox.connections import MEMORY, Connections
from onetrail.outbox.group import Group
from onetrail.outbox.mark import Mark
from onetrail.outbox.rows import Event
from onetrail.outbox.store import Store
from onetrail.outbox.upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from onetrail.clock import Clock
    from onetrail.outbox.bounds import Bounds
    from onetrail.outbox.ledger import Ledger
    from onetrail.outbox.rows import Session, Waiting
    from onetrail.settings import Durability

_MEMORY_SHARE = 10
_DISK_AGAIN_S = 5.0


class Outbox:
    """Holds events until they are acknowledged. Thread-safe. append() never raises."""

    def __init__(
        self,
        path: Path,
        *,
        durability: Durability,
        limits: Bounds,
        clock: Clock,
        group_interval_s: float,
    ) -> None:
        self._path = path
        self._limits = limits
        self._upkeep = Upkeep(limits, clock)
        self._memory_limits = limits.share(_MEMORY_SHARE)
        self.disk = Store(Connections(str(path), fsync_each=durability != "process"))
        self.memory = Store(Connections(MEMORY, fsync_each=False))
        self._group = Group(group_interval_s, self._append) if durability == "grouped" else None
        self._disk_off_until = 0.0
        self._said = False
        self._memory_used = False  # and never unset: then an event cannot be overlooked
        self._moves = 0  # from memory to disk
        self._appended = 0

    def append(self, session: Session, event: Event) -> None:
        """Keeps one event: committed to the file, or in memory where the disk does not take it."""
        if self._group is not None:
            self._group.append(session, event)
            return
        if not self._disk_off_until:
            try:
                self.disk.append(session, event)
            except sqlite3.Error:
                pass  # again below, with care
            else:
                self._appended += 1
                if self._appended >= self._limits.step:
                    self._trim()
                return
        self._append([(session, event)])

    def _append(self, events: list[tuple[Session, Event]]) -> None:
        if not self._disk_off_until or self._disk_off_until < time.monotonic():
            for _ in range(2):  # the second time on a new file, after a damaged one was set aside
                try:
                    if len(events) == 1:
                        self.disk.append(*events[0])
                    else:
                        self.disk.append_all(events)
                except sqlite3.Error as error:
                    if not self._cure(error):
                        break
                else:
                    self._disk_off_until = 0.0
                    self._appended += len(events)
                    self._trim()
                    return
        self._memory_used = True
        with contextlib.suppress(sqlite3.Error):
            self.memory.append_all(events)
            bounds.trim(self.memory, self._memory_limits)

    def about(self) -> int:
        """About how many events wait in the file, never too few; 0 if it cannot be read."""
        with contextlib.suppress(sqlite3.Error):
            return self.disk.about()
        return 0

    def head(self, limit: int) -> tuple[Store, list[Waiting]]:
        """The oldest events and the store they are in."""
        self._settle()
        try:
            if self.disk.connections.was_replaced():
                self.disk.close()  # another process has set a damaged file aside
            if waiting := self.disk.peek(limit):
                return self.disk, waiting
        except sqlite3.Error as error:
            self._cure(error)
        return self.memory, self.memory.peek(limit) if self._memory_used else []

    def acknowledge(self, store: Store, last: int) -> None:
        """Forgets events; if the disk refuses even that, this process does not send them again."""
        try:
            store.acknowledge(last)
        except sqlite3.Error as error:
            self._cure(error)

    def mark(self) -> Mark:
        """What waits now, for waiting()."""
        self.commit()
        mark = Mark(0, 0, self._moves)
        with contextlib.suppress(sqlite3.Error):
            mark.memory = self.memory.last_number()
        with contextlib.suppress(sqlite3.Error):
            mark.disk = self.disk.last_number()
        return mark

    def any_waiting(self, mark: Mark) -> bool:
        """Whether any of the events that waited at the mark still does; cheap."""
        with contextlib.suppress(sqlite3.Error):
            self._follow_moves(mark)
            if self.disk.any_waiting(mark.disk):
                return True
        with contextlib.suppress(sqlite3.Error):
            return self._memory_used and self.memory.any_waiting(mark.memory)
        return False

    def _follow_moves(self, mark: Mark) -> None:
        if mark.moves != self._moves:  # what was in memory is at the end of the file now
            mark.moves, mark.disk = self._moves, self.disk.last_number()

    def waiting(self, mark: Mark) -> int:
        """How many of the events that waited at the mark still do."""
        left = 0
        with contextlib.suppress(sqlite3.Error):
            self._follow_moves(mark)
            left += self.disk.waiting(mark.disk)
        if self._memory_used:
            with contextlib.suppress(sqlite3.Error):
                left += self.memory.waiting(mark.memory)
        return left

    def commit(self) -> None:
        """Commits what durability="grouped" has gathered."""
        if self._group is not None:
            self._group.commit()

    def requeue(self) -> int:
        """Puts what was set aside back into the queue; returns how many."""
        with contextlib.suppress(sqlite3.Error):
            return self.disk.ledger.requeue()
        return 0

    def purge(self) -> int:
        """Forgets every event; returns how many."""
        self.commit()
        count = 0
        for store in (self.disk, self.memory):
            with contextlib.suppress(sqlite3.Error):
                count += store.purge()
        return count

    def profile_of(self, holder: str) -> str | None:
        """The profile ID that the collector issued to a holder, if it has."""
        for store in (self.disk, self.memory):
            with contextlib.suppress(sqlite3.Error):
                if profile_id := store.profile_of(holder):
                    return profile_id
        return None

    def set_profile(self, holder: str, profile_id: str) -> None:
        """Keeps the profile ID of a holder for the events that still wait."""
        for store in (self.disk, self.memory):
            with contextlib.suppress(sqlite3.Error):
                store.set_profile(holder, profile_id)

    def _lose(self, reason: str) -> None:
        for store in (self.disk, self.memory):
            with contextlib.suppress(sqlite3.Error):
                store.ledger.lose(reason, 1)
                return

    def lost(self) -> dict[str, int]:
        """What could not be kept, by reason."""
        return self._sum(lambda ledger: ledger.lost())

    def unreported(self) -> dict[str, int]:
        """What was lost and not yet told to the collector; from now on it counts as told."""
        return self._sum(lambda ledger: ledger.unreported())

    def _sum(self, account: Callable[[Ledger], dict[str, int]]) -> dict[str, int]:
        total: Counter[str] = Counter()
        for store in (self.disk, self.memory):
            with contextlib.suppress(sqlite3.Error):
                total.update(account(store.ledger))
        return dict(total)

    def shorten_log(self) -> None:
        """Moves a long log into the file, if that is possible now."""
        with contextlib.suppress(sqlite3.Error):
            self.disk.shorten_log()

    def tend(self) -> None:
        """What the sender's thread does now and then: bounds, the clock, what nobody needs.

        It writes only what has changed: flash wears out.
        """
        try:
            self._upkeep.run(self.disk)
        except sqlite3.Error as error:
            self._cure(error)

    def before_fork(self) -> None:
        """Holds every lock and closes the file, so that a child inherits neither."""
        if self._group is not None:
            self._group.before_fork()
        self.disk.before_fork()
        self.memory.before_fork()

    def after_fork(self, *, in_child: bool) -> None:
        """Goes on; a child leaves what is in memory to its parent."""
        self.memory.after_fork()
        self.disk.after_fork()
        if in_child:
            self.memory.close()
        if self._group is not None:
            self._group.after_fork(in_child=in_child)

    def abandon(self) -> None:
        """After a fork without hooks: begins anew and leaves the parent's connections alone."""
        self.disk = Store(self.disk.connections.abandoned())
        self.memory = Store(self.memory.connections.abandoned())
        if self._group is not None:
            self._group.abandon()

    def close(self) -> None:
        """Closes the file; a later call opens it for as long as it takes."""
        if self._group is not None:
            self._group.stop()
        with contextlib.suppress(sqlite3.Error):
            self._settle()
            if left := self.memory.waiting(self.memory.last_number()):
                logger.warning("%d events that no disk would take end with the program", left)
        for store in (self.disk, self.memory):
            store.connections.retired = True
            with contextlib.suppress(sqlite3.Error):
                store.close()

    def _trim(self) -> None:
        self._appended = 0
        with contextlib.suppress(sqlite3.Error):
            bounds.trim(self.disk, self._limits)

    def _settle(self) -> None:
        """Moves what waits in memory to the disk, if the disk takes it."""
        if not self._memory_used:
            return
        try:
            waiting = self.memory.peek(self._memory_limits.events)
            if not waiting:
                return
            self.disk.append_all((self.memory.session(e.session), Event(*e[2:])) for e in waiting)
        except sqlite3.Error:
            return
        self._moves += 1
        self.memory.acknowledge(waiting[-1].seq)

    def _cure(self, error: sqlite3.Error) -> bool:
        """Whether to try again at once: a damaged file has been set aside."""
        if repair.is_damaged(error):
            if repair.is_still_damaged(self.disk):
                repair.move_away(self._path, error)
                self._lose("damaged_outbox")
            return True
        self._disk_off_until = time.monotonic() + _DISK_AGAIN_S
        if not self._said:
            self._said = True
            logger.warning(
                "outbox %s cannot be written (%s); until it can, at most %d events wait in memory",
                self._path,
                error,
                self._memory_limits.events,
            )
        return False
