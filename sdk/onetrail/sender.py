"""The thread that empties the outbox.

It sleeps while nothing waits, gathers company for the first event, and after a failure waits as
`backoff` says. No exception ends it. One process sends at a time; the others look in now and then.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from typing import TYPE_CHECKING

from onetrail.backoff import next_delay_s
from onetrail.delivery import Next, Outcome
from onetrail.log import SENDER_THREAD, logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from onetrail.delivery import Delivery
    from onetrail.outbox.lease import Lease
    from onetrail.settings import Settings

# Of the system, not of the program: one that seeds `random` keeps its sequence.
_DICE = random.SystemRandom()
_LOOK_S = 2.0
_ORPHAN_CHECK_S = 60.0  # a process that died with events waiting: another sends them within this


class Sender:
    """Runs deliveries in the background."""

    def __init__(
        self,
        delivery: Delivery,
        lease: Lease,
        *,
        settings: Settings,
        tend: Callable[..., None],
        disconnect: Callable[[], None],
    ) -> None:
        self._delivery = delivery
        self._lease = lease
        self._settings = settings
        self._tend = tend
        self._disconnect = disconnect
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()
        self._work = threading.Event()  # something waits
        self._enough = threading.Event()  # do not gather company any longer
        self._hurry = threading.Event()  # do not wait after a failure
        self._end = threading.Event()
        self._failures = 0
        self.failed = 0
        """How many attempts have failed so far."""
        self.gave_up = threading.Event()
        """Set while the sender waits after a failed attempt."""
        self.told_to_wait = threading.Event()
        """Set while it waits because the collector asked for it."""

    def wake(self, *, full: bool = False, hurry: bool = False) -> None:
        """Says that something waits; starts the thread at first use. Cheap when it is awake.

        `full`: enough for a request, gather no more. `hurry`: nor wait after a failure.
        """
        if hurry:
            self._hurry.set()
        if full or hurry:
            self._enough.set()
        if not self._work.is_set():
            self._work.set()
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._start_lock:
            if self._thread is None and not self._end.is_set():
                thread = threading.Thread(target=self._run, name=SENDER_THREAD, daemon=True)
                with contextlib.suppress(RuntimeError):  # the interpreter is ending: the next start
                    thread.start()
                    self._thread = thread

    def stop(self, timeout_s: float) -> None:
        """Ends the thread; waits at most so long for a request that is under way."""
        self._end.set()
        self._work.set()
        self._enough.set()
        self._hurry.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def before_fork(self) -> None:
        """Holds the one lock of the thread's life."""
        self._start_lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Goes on; in a child there is no thread, no lease and no connection yet."""
        self._start_lock.release()
        if in_child:
            self._lease.release()
            self._begin_anew()

    def abandon(self) -> None:
        """After a fork without hooks: as in a child, whatever state the parent was in."""
        self._lease.release()
        self._begin_anew()

    def _run(self) -> None:
        while not self._end.is_set():
            self._work.wait(_ORPHAN_CHECK_S)
            if not self._end.is_set():
                self._enough.wait(self._settings.send_interval_s)
            if not self._end.is_set():
                self._cycle()
        self._disconnect()

    def _cycle(self) -> None:
        hurried = self._hurry.is_set()
        self._work.clear()
        self._enough.clear()
        self._hurry.clear()
        try:
            outcome = self._drain(1 if hurried else self._settings.batch_events)
            if not self._end.is_set() and outcome.next is not Next.GATHER:  # the app is busy
                self._tend(in_touch=outcome.next is Next.REST)
        except Exception:  # noqa: BLE001  whatever it was, the app's events must go on being sent
            logger.exception("the sender met an unexpected error and goes on")
            outcome = Outcome(Next.BACK_OFF)
        if outcome.next is Next.BACK_OFF:
            self._work.set()
            self._back_off(outcome.floor_s)
        elif outcome.next is Next.GATHER:
            self._work.set()

    def _drain(self, at_least: int) -> Outcome:
        """Sends until nothing waits, an attempt fails, or another process is sending.

        What has gathered goes first, whatever it is; from then on only requests worth sending.
        """
        if not self._lease.acquire():
            self._work.set()  # look again after the interval: the other may have ended meanwhile
            return Outcome(Next.REST)
        try:
            outcome = self._delivery.attempt()
            while outcome.next is Next.GO_ON and not self._end.is_set():
                self._failures = 0
                outcome = self._delivery.attempt(at_least=at_least)
            return outcome
        finally:
            self._lease.release()

    def _back_off(self, floor_s: float) -> None:
        """Waits out a failure. A flush may cut the random part short, never what was asked for."""
        self._failures += 1
        s = self._settings
        delay_s = next_delay_s(
            self._failures, jitter=_DICE.random(), cap_s=s.backoff_cap_s, base_s=s.backoff_base_s
        )
        logger.info("next attempt in %.1f s", floor_s + delay_s)
        self.failed += 1
        self.gave_up.set()
        if floor_s:
            self.told_to_wait.set()
            self._rest(self._end, floor_s)
            self.told_to_wait.clear()
        self._rest(self._hurry, delay_s)
        self.gave_up.clear()

    def _rest(self, until: threading.Event, seconds: float) -> None:
        """Waits; looks after the log meanwhile, for the app goes on tracking."""
        left_s = deadline(seconds)
        while left_s() > 0 and not until.wait(min(left_s(), _LOOK_S)):
            self._delivery.shorten_log()


def deadline(timeout_s: float) -> Callable[[], float]:
    """A function that says how many seconds are left."""
    end = time.monotonic() + timeout_s
    return lambda: end - time.monotonic()
