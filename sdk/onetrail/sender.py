"""The thread that empties the outbox: peek, send, and forget only what was acknowledged.

It sleeps while nothing waits, gathers company for the first event, and after a failure waits as
`backoff` says. No exception ends it. One process sends at a time; the others look in now and then.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

from onetrail import batch, receipt
from onetrail.backoff import next_delay_s
from onetrail.clock import Reading
from onetrail.log import logger
from onetrail.transport import TransportError
from onetrail.verdict import Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from onetrail.batch import Batch
    from onetrail.clock import Clock
    from onetrail.lease import Lease
    from onetrail.settings import Settings
    from onetrail.store import Session, Store
    from onetrail.transport import Answer, Transport

_ORPHAN_CHECK_S = (
    60.0  # a process that died with events waiting: another one sends them within this
)


class Sender:
    """Sends what waits in the store, in the background."""

    def __init__(  # noqa: PLR0913  its collaborators, each used
        self,
        store: Store,
        transport: Transport,
        lease: Lease,
        *,
        source: str,
        settings: Settings,
        clock: Clock,
        on_profile: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._transport = transport
        self._lease = lease
        self._source = source
        self._settings = settings
        self._clock = clock
        self._on_profile = on_profile
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()
        self._work = threading.Event()  # something waits
        self._hurry = threading.Event()  # do not gather company, do not wait
        self._end = threading.Event()
        self._failures = 0
        self._delay_s = 0.0
        self._sessions: dict[int, Session] = {}
        self._refusal_said = False
        self.gave_up_for_now = threading.Event()
        """Set when an attempt failed and the next one is some time away."""

    def wake(self, *, hurry: bool = False) -> None:
        """Says that something waits; starts the thread at first use. Cheap when it is awake."""
        if hurry and not self._hurry.is_set():
            self._hurry.set()
        if not self._work.is_set():
            self._work.set()
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._start_lock:
            if self._thread is None and not self._end.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="onetrail-sender", daemon=True
                )
                self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Ends the thread; waits at most so long for a request that is under way."""
        self._end.set()
        self._work.set()
        self._hurry.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)

    def _run(self) -> None:
        while not self._end.is_set():
            self._work.wait(_ORPHAN_CHECK_S)
            if self._end.is_set():
                break
            self._hurry.wait(self._settings.send_interval_s)
            try:
                self._drain()
            except Exception:  # noqa: BLE001
                # Whatever it was, the app's events must go on being sent.
                logger.exception("the sender met an unexpected error and goes on")
                self._wait(self._failed(0.0))
        self._transport.close()

    def _drain(self) -> None:
        """Sends until nothing waits, an attempt fails, or another process is sending."""
        self._work.clear()
        self._hurry.clear()
        if not self._lease.acquire():
            self._work.set()  # look again after the interval: the other may have ended meanwhile
            return
        try:
            while not self._end.is_set() and self._send_next():
                pass
        finally:
            self._lease.release()
        if self._delay_s:
            self._work.set()
            self._wait(self._delay_s)

    def _wait(self, seconds: float) -> None:
        """Waits out a failure; a flush or the end cuts it short."""
        self.gave_up_for_now.set()
        self._hurry.wait(seconds)
        self.gave_up_for_now.clear()

    def _send_next(self) -> bool:
        """Sends one batch; whether to go on at once."""
        self._delay_s = 0.0
        waiting = self._store.peek(self._settings.batch_events)
        if not waiting:
            return False
        chosen = batch.take(
            waiting,
            session_of=self._session_of,
            profile_of=self._store.profile_of,
            max_bytes=self._settings.batch_bytes,
        )
        clock = self._clock
        anchor = Reading(clock.wall_ms(), clock.mono_ms(), clock.boot)
        body = batch.body(chosen, self._source, session_of=self._session_of, anchor=anchor)
        try:
            answer = self._transport.send(body)
        except TransportError as error:
            self._delay_s = self._failed(0.0)
            logger.info("not sent (%s); next attempt in %.1f s", error, self._delay_s)
            return False
        return self._judge(chosen, answer)

    def _judge(self, chosen: Batch, answer: Answer) -> bool:
        meaning = verdict(answer.status)
        if meaning is Verdict.DELIVERED:
            self._delivered(chosen, answer)
            return True
        self._delay_s = self._failed(answer.retry_after_s)
        if meaning is Verdict.REFUSED_SOURCE:
            self._say_refused(answer)
        else:
            logger.info(
                "the collector said %d; next attempt in %.1f s", answer.status, self._delay_s
            )
        return False

    def _delivered(self, chosen: Batch, answer: Answer) -> None:
        said = receipt.read(answer.body)
        if said.profile_id is not None and said.profile_id != chosen.profile_id:
            self._store.set_profile(chosen.session.holder, said.profile_id)
            self._on_profile(chosen.session.holder, said.profile_id)
        self._store.acknowledge(chosen.events[0].seq, chosen.events[-1].seq)
        self._failures = 0
        self._refusal_said = False
        for code, count in said.rejected.items():
            logger.warning(
                "the collector refused %d of %d events: %s", count, len(chosen.events), code
            )

    def _failed(self, floor_s: float) -> float:
        self._failures += 1
        s = self._settings
        return next_delay_s(
            self._failures,
            jitter=random.random(),  # noqa: S311  spreads attempts, hides nothing
            floor_s=floor_s,
            cap_s=s.backoff_cap_s,
            base_s=s.backoff_base_s,
        )

    def _say_refused(self, answer: Answer) -> None:
        if self._refusal_said:
            return
        self._refusal_said = True
        logger.error(
            "the collector does not take events of source %r (%d); they are kept here. "
            "Add the source there: onetrail-collector sources add %s",
            self._source,
            answer.status,
            self._source,
        )

    def _session_of(self, key: int) -> Session:
        session = self._sessions.get(key)
        if session is None:
            if len(self._sessions) > 1000:  # noqa: PLR2004  a day's sessions; more would only grow
                self._sessions.clear()
            session = self._sessions[key] = self._store.session(key)
        return session


def deadline(timeout_s: float) -> Callable[[], float]:
    """A function that says how many seconds are left."""
    end = time.monotonic() + timeout_s
    return lambda: end - time.monotonic()
