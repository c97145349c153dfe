"""One attempt to deliver: take the head of the outbox, send it, and do what the answer means.

After a failure the next attempt is a small one, and doubles with each success: a collector that
has just come back is not met by everybody's whole buffer.
"""

from __future__ import annotations

import enum
import gzip
from typing import TYPE_CHECKING, NamedTuple

from onetrail import batch, receipt
from onetrail.clock import now
from onetrail.log import logger
from onetrail.transport import TransportError
from onetrail.verdict import Verdict, blames_one_event, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from onetrail.batch import Batch
    from onetrail.clock import Clock
    from onetrail.outbox.outbox import Outbox
    from onetrail.outbox.store import Store
    from onetrail.settings import Settings
    from onetrail.tally import Tally
    from onetrail.transport import Answer, Transport

_PROBE_EVENTS = 25
_GZIP_FROM_BYTES = 1_000
_GZIP_LEVEL = 1  # four fifths of the saving for a third of the time
_UNSUPPORTED_ENCODING = 415


class Next(enum.Enum):
    """What to do after an attempt."""

    GO_ON = "go on"
    GATHER = "what waits is not worth a request yet"
    REST = "nothing waits"
    BACK_OFF = "it failed"


class Outcome(NamedTuple):
    """What to do next, and the wait that the collector asked for, in seconds."""

    next: Next
    floor_s: float = 0.0


class Delivery:
    """Delivers from the outbox. Used by one thread at a time."""

    def __init__(  # noqa: PLR0913  its collaborators, each used
        self,
        outbox: Outbox,
        transport: Transport,
        *,
        source: str,
        settings: Settings,
        clock: Clock,
        profile_of: Callable[[str], str | None],
        on_profile: Callable[[str, str], None],
        tally: Tally,
    ) -> None:
        self._outbox = outbox
        self._transport = transport
        self._source = source
        self._settings = settings
        self._clock = clock
        self._profile_of = profile_of
        self._on_profile = on_profile
        self._tally = tally
        self._limit = settings.batch_events
        self._look = settings.batch_events  # fewer where one request takes few: a busy kiosk
        self._gzip = settings.gzip
        self._refusal_said = False

    def attempt(self, *, at_least: int = 1) -> Outcome:
        """Sends one batch, if so many events wait."""
        most = min(self._limit, self._look)
        if at_least > 1 and 0 < self._outbox.about() < min(at_least, most):
            return Outcome(Next.GATHER)
        store, waiting = self._outbox.head(most)
        store.shorten_log()
        if not waiting:
            return Outcome(Next.REST)
        chosen = batch.take(
            waiting,
            session_of=store.session,
            profile_of=self._profile_of,
            max_bytes=self._settings.batch_bytes,
        )
        taken = len(chosen.events)
        self._look = self._settings.batch_events if taken == len(waiting) else 4 * taken
        body = self._body(store, chosen)
        packed = self._gzip and len(body) >= _GZIP_FROM_BYTES
        if packed:
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
        try:
            answer = self._transport.send(body, gzipped=packed)
        except TransportError as error:
            logger.info("not sent: %s", error)
            return self._failed(0.0)
        if packed and answer.status == _UNSUPPORTED_ENCODING:
            self._gzip = False
            return Outcome(Next.GO_ON)
        return self._judge(store, chosen, answer)

    def shorten_log(self) -> None:
        """Moves a long log into the outbox's file, while nothing can be sent."""
        self._outbox.shorten_log()

    def _body(self, store: Store, chosen: Batch) -> bytes:
        moment = now(self._clock)
        anchors = {moment.boot: moment[:2]}
        if any(
            store.session(key).boot != moment.boot for key in {e.session for e in chosen.events}
        ):
            anchors = store.anchors() | anchors
        return batch.body(
            chosen,
            self._source,
            session_of=store.session,
            sent_at_ms=moment.wall_ms,
            anchors=anchors,
        )

    def _judge(self, store: Store, chosen: Batch, answer: Answer) -> Outcome:
        count = len(chosen.events)
        match verdict(answer.status):
            case Verdict.DELIVERED:
                self._delivered(store, chosen, answer)
            case Verdict.SPLIT if count > 1:
                self._limit = count // 2
            case Verdict.SET_ASIDE if count > 1 and blames_one_event(answer.status):
                self._limit = count // 2  # halved until the one is found; its neighbours go through
            case Verdict.SPLIT | Verdict.SET_ASIDE:
                self._set_aside(store, chosen, answer.status)
            case Verdict.REFUSED_SOURCE:
                self._say_refused(answer.status)
                return self._failed(answer.retry_after_s)
            case Verdict.RETRY:
                logger.info("the collector said %d", answer.status)
                return self._failed(answer.retry_after_s)
        return Outcome(Next.GO_ON)

    def _delivered(self, store: Store, chosen: Batch, answer: Answer) -> None:
        said = receipt.read(answer.body)
        if said.profile_id is not None and said.profile_id != chosen.profile_id:
            self._outbox.set_profile(chosen.session.holder, said.profile_id)
            self._on_profile(chosen.session.holder, said.profile_id)
        self._refusal_said = False
        self._grow()
        self._tally.add("delivered", len(chosen.events))
        for code, count in said.rejected.items():
            self._tally.add(f"rejected:{code}", count)
            logger.warning(
                "the collector refused %d of %d events: %s", count, len(chosen.events), code
            )
        # Last, so that a flush() that returns finds them counted.
        self._outbox.acknowledge(store, chosen.events[-1].seq)

    def _set_aside(self, store: Store, chosen: Batch, status: int) -> None:
        count = len(chosen.events)
        logger.warning(
            "the collector will not take %d events (%d); they are set aside: onetrail status",
            count,
            status,
        )
        self._tally.add("set_aside", count)
        self._grow()
        store.set_aside(chosen.events[-1].seq, f"http_{status}")

    def _grow(self) -> None:
        self._limit = min(self._settings.batch_events, self._limit * 2)

    def _failed(self, floor_s: float) -> Outcome:
        self._limit = min(self._limit, _PROBE_EVENTS)
        return Outcome(Next.BACK_OFF, floor_s)

    def _say_refused(self, status: int) -> None:
        if self._refusal_said:
            return
        self._refusal_said = True
        logger.error(
            "the collector does not take events of source %r (%d); they are kept here. "
            "Add the source there: onetrail-collector sources add %s",
            self._source,
            status,
            self._source,
        )
