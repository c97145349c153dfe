"""What the collector counts, for Prometheus: by commit and by answer, never by event.

One registry for each application, so that two in one process do not mix. A name's ending is its
unit (https://prometheus.io/docs/practices/naming). Nothing here names a person, an ID or a value
that a client chose: labels are codes of ours.
"""

import shutil
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from onetrail_collector.errors import Refused
from onetrail_collector.wire.envelope import Receipt

COMMIT_EVENTS = (1, 3, 10, 30, 100, 300, 1000, 3000)
SKEW_S = (1, 10, 60, 600, 3600, 86_400)
COMMIT_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)


class Metrics:
    """The counters of one collector; what is not a counter is read when it is asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._watched: dict[str, Gauge] = {}
        self._answers = _Answers()
        self.registry.register(self._answers)
        ProcessCollector(registry=self.registry)
        self._events = self._counter("events", "Events by what became of them.", "result")
        self._rejected = self._counter("events_rejected", "Events not stored, by reason.", "code")
        self._refused = self._counter("requests_refused", "Requests not stored, by reason.", "code")
        self._commit_events = self._histogram("commit_events", "Events a commit.", COMMIT_EVENTS)
        self._commit_s = self._histogram(
            "commit_seconds", "How long a commit takes, until it is on disk.", COMMIT_S
        )
        self._skews = _Skews()
        self.registry.register(self._skews)
        self._clamped = self._counter(
            "events_clamped", "Events from the future, whose time is that of their arrival."
        )
        self._failed = self._counter("commits_failed", "Commits that the disk did not take.")
        self._moved = self._counter(
            "identity_moved", "Profile IDs that identity resolution gave to another profile."
        )
        self._parted = self._counter(
            "identity_refused", "Links that join nobody, by reason.", "reason"
        )
        self._blocked = self._counter(
            "identity_blocked", "Values that link nobody, as the policy blocks them.", "kind"
        )
        self._deleted = self._counter(
            "retention_deleted", "Rows that retention has deleted, by table.", "table"
        )
        for result in ("stored", "duplicate", "rejected"):
            self._events.labels(result)  # a rate needs its zero

    def _counter(self, name: str, description: str, *labels: str) -> Counter:
        return Counter(f"onetrail_{name}", description, labels, registry=self.registry)

    def _histogram(self, name: str, description: str, buckets: Iterable[float]) -> Histogram:
        return Histogram(
            f"onetrail_{name}", description, buckets=tuple(buckets), registry=self.registry
        )

    def committed(self, outcomes: Iterable[Receipt | Refused], seconds: float) -> None:
        """One commit, and what became of each of its requests."""
        stored = duplicates = 0
        for outcome in outcomes:
            if isinstance(outcome, Refused):
                continue  # counted as it is answered
            stored += outcome.accepted
            duplicates += outcome.duplicates
            if outcome.rejected:
                self._events.labels("rejected").inc(len(outcome.rejected))
                for rejection in outcome.rejected:
                    self._rejected.labels(rejection.error).inc()
        self._events.labels("stored").inc(stored)
        self._events.labels("duplicate").inc(duplicates)
        self._commit_events.observe(stored)
        self._commit_s.observe(seconds)

    def clocks(self, skews_ms: Iterable[int], clamped: int) -> None:
        """The clocks of the devices whose sessions began, and the events from the future."""
        for skew_ms in skews_ms:
            self._skews.observe(abs(skew_ms) / 1000)
        if clamped:
            self._clamped.inc(clamped)

    def commit_failed(self) -> None:
        """The disk was full, the file locked or not writable."""
        self._failed.inc()

    def refused(self, code: str) -> None:
        """A request of a tracker or SDK was answered with an error."""
        self._refused.labels(code).inc()

    def regrouped(self, moved: int, refused: Iterable[str | None]) -> None:
        """What identity resolution changed."""
        self._moved.inc(moved)
        for reason in refused:
            if reason is not None:
                self._parted.labels(reason).inc()

    def blocked(self, kinds: Iterable[str]) -> None:
        """Values of these kinds were sent that are on the list of blocked ones."""
        for kind in kinds:
            self._blocked.labels(kind).inc()

    def deleted(self, table: str, rows: int) -> None:
        """What retention took away."""
        self._deleted.labels(table).inc(rows)

    def watch(self, name: str, description: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody asks."""
        if name not in self._watched:
            self._watched[name] = Gauge(f"onetrail_{name}", description, registry=self.registry)
        self._watched[name].set_function(read)

    def watch_file(self, db: Path) -> None:
        """The sizes of the database, and the room that is left beside it."""
        wal = db.with_name(f"{db.name}-wal")
        self.watch("database_bytes", "Size of the database file.", lambda: _size(db))
        self.watch("database_wal_bytes", "Size of its write-ahead log.", lambda: _size(wal))
        self.watch(
            "disk_free_bytes",
            "Room left on the database's disk.",
            lambda: shutil.disk_usage(db.absolute().parent).free,
        )

    @property
    def answers(self) -> Tally[int]:
        """HTTP answers by status; whoever answers adds to it."""
        return self._answers.tally


class _Skews(Collector):
    """How wrong clients' clocks are; plain numbers, because one is counted for each session."""

    def __init__(self) -> None:
        self._counts = [0] * (len(SKEW_S) + 1)
        self._sum_s = 0.0

    def observe(self, skew_s: float) -> None:
        self._counts[bisect_left(SKEW_S, skew_s)] += 1
        self._sum_s += skew_s

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(
            "onetrail_client_clock_skew_seconds", "How wrong clients' clocks are, either way."
        )
        bounds = [*(f"{bound:.1f}" for bound in SKEW_S), "+Inf"]
        buckets = list(zip(bounds, accumulate(self._counts), strict=True))
        family.add_metric([], buckets, self._sum_s)
        yield family


class _Answers(Collector):
    """HTTP answers by status; a plain dict, because one is counted for each request."""

    def __init__(self) -> None:
        self.tally: Tally[int] = Tally()

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "onetrail_http_answers", "HTTP answers by status.", labels=["status"]
        )
        for status, count in sorted(self.tally.items()):
            family.add_metric([str(status)], count)
        yield family


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
