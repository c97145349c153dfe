"""How many events a source may send: checked at the door, before its events wait to be stored.

What a source's own limit is, each commit reads anyway; it is remembered from there. A limit that
an operator has raised meanwhile is found because now and then a request goes on to a commit.
"""

from collections.abc import Iterable

from onetrail_collector.buckets import Buckets
from onetrail_collector.errors import rate_limited
from onetrail_collector.limits import Limits
from onetrail_collector.store.rows import Source

LOOK_AGAIN_S = 5.0


class Quotas:
    """The sources that sent something since the start, and what each may still send."""

    def __init__(self, limits: Limits) -> None:
        self._default = limits.events_per_second
        self._buckets = Buckets(limits.events_per_second, limits.burst_s)
        self._per_s: dict[str, int] = {}  # only sources that exist
        self._read_s: dict[str, float] = {}

    def learn(self, sources: Iterable[Source], now_s: float) -> None:
        """Remember what a commit has read of its sources."""
        for source in sources:
            per_s = source.events_per_second or self._default
            if self._per_s.get(source.public_id) != per_s:
                self._buckets.fill(source.public_id)  # its debt was reckoned at another rate
                self._per_s[source.public_id] = per_s
            self._read_s[source.public_id] = now_s

    def admit(self, public_id: str, events: int, now_s: float) -> None:
        """Take `events` of a source's quota. Raises Refused (429) where nothing is left.

        What is refused of a request counts as well, and a request without any as one: all of it
        is written.
        """
        per_s = self._per_s.get(public_id)
        if not per_s:
            return
        wait_s = self._buckets.take(public_id, now_s, max(events, 1), per_s=per_s)
        if wait_s == 0:
            return
        if now_s - self._read_s[public_id] >= LOOK_AGAIN_S:
            self._read_s[public_id] = now_s
            return
        raise rate_limited(
            f"source.id {public_id!r} sends more than "
            f"{per_s} events a second: send again, "
            f"or let its operator raise it with: onetrail-collector sources limits {public_id}",
            retry_after_s=wait_s,
        )
