"""The only way in: envelopes queue, one writer commits whatever has arrived, then answers.

Durable before 2xx: a Receipt is given only when COMMIT has returned. While one commit runs, the
next gathers (group commit), so that the cost of a sync is shared by all who wait for it.
"""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from onetrail_collector.assignment import Assignment, Request, profile_ids_that_state, question
from onetrail_collector.bell import Bell
from onetrail_collector.clock import Clock
from onetrail_collector.enrichment import Enrichment
from onetrail_collector.errors import Refused, busy
from onetrail_collector.identification import identify
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.limits import UNLIMITED, Limits
from onetrail_collector.link_warnings import LIMIT, Linked, warning
from onetrail_collector.metrics import Metrics
from onetrail_collector.privacy import Privacy
from onetrail_collector.quotas import Quotas
from onetrail_collector.regions import Settled
from onetrail_collector.resolution import settle
from onetrail_collector.store.protocol import AlreadyStored, Store, StoreTransaction
from onetrail_collector.store.rows import Known
from onetrail_collector.wire.envelope import Envelope, Receipt
from onetrail_collector.withholding import marks, nothing_left, withhold

MAX_WAITING = 2_000  # requests; more are told to come back
MAX_WAITING_BYTES = 67_108_864  # of bodies, likewise: large ones must not take the memory
MAX_COMMIT_EVENTS = 2_000  # more gain nothing: their rows fall out of the processor's cache
MANY_EVENTS = 10  # of a request: SQLite is at work long enough for the event loop to answer others
GATHER_TURNS = 6  # of the event loop: more raise the rate, and above 10 the latency as well
RETRY_AFTER_S = 1  # the queue is full: a commit takes milliseconds
RETRY_AFTER_FAULT_S = 10  # the disk is full or the file is locked: somebody must act

log = logging.getLogger("onetrail_collector")


class _Waiting(NamedTuple):
    request: Request
    receipt: asyncio.Future[Receipt]


class Ingest:
    """Takes envelopes, commits them in groups. One for each store; start it, and close it."""

    def __init__(  # noqa: PLR0913  its collaborators, each used
        self,
        store: Store,
        policy: Policy,
        clock: Clock,
        *,
        metrics: Metrics | None = None,
        enrichment: Enrichment | None = None,
        limits: Limits = UNLIMITED,
    ) -> None:
        self._quotas = Quotas(limits)
        self._store = store
        self._enrichment = enrichment or Enrichment(Privacy())
        self._policy = policy
        self._clock = clock
        self._metrics = metrics = metrics or Metrics()
        metrics.watch("queue_requests", "Requests that wait.", lambda: len(self._queue))
        metrics.watch("queue_bytes", "Bytes that wait.", lambda: self._waiting_bytes)
        self._queue: list[_Waiting] = []
        self._waiting_bytes = 0
        self._answers: list[tuple[_Waiting, Receipt | Refused]] = []  # committed, not told yet
        self._arrived = asyncio.Event()
        self._closing = False
        self._writer: asyncio.Task[None] | None = None
        self._expects_duplicates = False
        self.committed = Bell()
        """Rings after each commit."""

    @property
    def closing(self) -> bool:
        """Whether it takes no more."""
        return self._closing

    @property
    def waiting(self) -> tuple[int, int]:
        """How many requests wait to be stored, and their bytes."""
        return len(self._queue), self._waiting_bytes

    def start(self) -> None:
        """Begin to commit."""
        self._loop = asyncio.get_running_loop()
        self._writer = asyncio.create_task(self._write(), name="onetrail-writer")

    async def close(self) -> None:
        """Commit what was taken, then stop; whoever comes later is told to come back."""
        self._closing = True
        self._arrived.set()
        if self._writer is not None:
            await self._writer

    async def submit(self, envelope: Envelope, *, received_ms: int | None = None) -> Receipt:
        """Commit an envelope's events; raises Refused where they may not or cannot be stored.

        `received_ms` is when it came, where that is not now.
        """
        if self._closing:
            raise busy("the collector is stopping; send again", retry_after_s=RETRY_AFTER_S)
        if len(self._queue) >= MAX_WAITING or self._waiting_bytes > MAX_WAITING_BYTES:
            raise busy(
                f"{len(self._queue)} requests of {self._waiting_bytes} bytes wait to be stored; "
                f"the limits are {MAX_WAITING} and {MAX_WAITING_BYTES}: send again",
                retry_after_s=RETRY_AFTER_S,
            )
        self._enrichment.admit(envelope.client, envelope.source)
        received_ms = self._clock() if received_ms is None else received_ms
        events = len(envelope.events) + len(envelope.rejected)
        self._quotas.admit(envelope.source, events, self._loop.time())
        request = Request(envelope, identify(envelope, self._policy), received_ms)
        receipt: asyncio.Future[Receipt] = self._loop.create_future()
        self._queue.append(_Waiting(request, receipt))
        self._waiting_bytes += envelope.size_bytes
        self._arrived.set()
        return await receipt

    async def _write(self) -> None:
        while self._queue or not self._closing:
            if not self._queue:
                self._arrived.clear()
                if not self._closing:
                    await self._arrived.wait()
                continue
            await self._gather()
            await self._settle(self._take())

    async def _gather(self) -> None:
        """Let in those who are at the door; a commit costs nearly the same for them all.

        Where answers wait for it, it begins at once.
        """
        if self._answers:
            return
        for _ in range(GATHER_TURNS):
            waiting = len(self._queue)
            await asyncio.sleep(0)
            if len(self._queue) == waiting:
                return

    def _take(self) -> list[_Waiting]:
        """Whatever waits, in the order of arrival, up to the events that one commit may hold.

        Where answers wait for it, at most half of all, so that there is as much to read and to
        answer while it is written as there was to write.
        """
        events, at_most = 0, len(self._queue)
        if self._answers:
            at_most = min(at_most, (at_most + len(self._answers) + 1) // 2)
        for count, waiting in enumerate(self._queue[:at_most]):
            events += len(waiting.request.envelope.events)
            if count and events > MAX_COMMIT_EVENTS:
                break
        else:
            count = at_most
        taken, self._queue = self._queue[:count], self._queue[count:]
        self._waiting_bytes -= sum(waiting.request.envelope.size_bytes for waiting in taken)
        return taken

    async def _settle(self, group: list[_Waiting]) -> None:
        """Commit a group and answer each; one that breaks the commit takes no other along.

        Where half as many wait already, these are answered while the next commit is being written,
        so that what they send then is read meanwhile. Not where requests are small: the writing
        thread would wait for the interpreter's lock for longer than it writes.
        """
        began_s = time.perf_counter()
        try:
            outcomes = await self._commit([waiting.request for waiting in group])
            self._metrics.committed(outcomes, time.perf_counter() - began_s)
        except sqlite3.OperationalError as error:  # disk full, file locked or read-only
            self._metrics.commit_failed()
            log.error("cannot store events: %s", error)  # noqa: TRY400 - the trace says nothing more
            refusal = busy(f"cannot store events now: {error}", retry_after_s=RETRY_AFTER_FAULT_S)
            outcomes = [refusal] * len(group)
        except Exception:
            if len(group) > 1:
                for waiting in group:
                    await self._settle([waiting])
                return
            log.exception("a request could not be stored")
            outcomes = [Refused(500, "internal", "the collector failed on this request")]
        self._answer()
        self._answers = list(zip(group, outcomes, strict=True))
        events = sum(len(waiting.request.envelope.events) for waiting in group)
        if 2 * len(self._queue) < len(group) or events < MANY_EVENTS * len(group):
            self._answer()
        self.committed.ring()

    def _answer(self) -> None:
        """Tell the requests of the last commit what became of them."""
        answers, self._answers = self._answers, []
        for waiting, outcome in answers:
            with contextlib.suppress(asyncio.InvalidStateError):  # the client has gone
                if isinstance(outcome, Refused):
                    waiting.receipt.set_exception(outcome)
                else:
                    waiting.receipt.set_result(outcome)

    async def _commit(self, requests: list[Request]) -> list[Receipt | Refused]:
        """One commit. Its events are looked up only where the last one had some stored already.

        The unique index finds a duplicate as well, for nothing; the commit is then made again.
        """
        try:
            outcomes = await self._try(requests, look_for_duplicates=self._expects_duplicates)
        except AlreadyStored:
            outcomes = await self._try(requests, look_for_duplicates=True)
        self._expects_duplicates = any(
            isinstance(outcome, Receipt) and outcome.duplicates for outcome in outcomes
        )
        return outcomes

    async def _try(
        self, requests: list[Request], *, look_for_duplicates: bool
    ) -> list[Receipt | Refused]:
        async with self._store.transaction() as transaction:
            asked = question(requests, with_events=look_for_duplicates)
            known = await transaction.look_up(asked)
            self._quotas.learn(known.sources.values(), self._loop.time())
            exclusive = self._policy.exclusive_kinds
            holders = profile_ids_that_state(exclusive, requests, known)
            if holders:
                known.exclusive = await transaction.exclusive_values(holders, exclusive)
            if known.salt is not None:
                asked_marks = marks(requests, known)
                found = await transaction.suppressed(asked_marks.keys())
                known.erased = frozenset(asked_marks[mark] for mark in found)
            assignment = Assignment(asked, known, exclusive, describe=self._enrichment.describe)
            outcomes = [_outcome(assignment, request, known) for request in requests]
            self._answer()
            new_ids = {row.id for row in assignment.writes.profile_ids}
            resolve = partial(settle, policy=self._policy, new_ids=new_ids, now_ms=self._clock())
            settled = await transaction.write_and_resolve(assignment.writes, resolve) or Settled()
            refused = settled.refused | dict.fromkeys(assignment.writes.dropped_links, LIMIT)
            if refused:
                await self._warn(transaction, assignment.linked, refused)
        self._metrics.clocks(assignment.writes.skews_ms, assignment.writes.clamped)
        self._metrics.blocked(entry.kind for entry, _ in assignment.writes.blocked)
        self._metrics.regrouped(
            sum(change.what == "merged" for change in settled.changes),
            [change.reason for change in settled.changes if change.what == "refused"],
        )
        return outcomes

    async def _warn(
        self,
        transaction: StoreTransaction,
        linked: Iterable[Linked],
        refused: Mapping[tuple[int, Key], str],
    ) -> None:
        """Tell senders of refused links, as far as it concerns them alone."""
        found = [(entry, refused.get((entry.profile_id, entry.key))) for entry in linked]
        asked = {entry.profile_id for entry, reason in found if reason == LIMIT}
        values = await transaction.count_values(asked) if asked else {}
        for entry, reason in found:
            told = reason and warning(entry, reason, values.get(entry.profile_id, {}), self._policy)
            if told:
                entry.receipt.warnings.append(told)


def _outcome(assignment: Assignment, request: Request, known: Known) -> Receipt | Refused:
    try:
        allowed = withhold(request, known)
        return nothing_left(request, allowed) or assignment.assign(allowed)
    except Refused as refusal:
        return refusal
