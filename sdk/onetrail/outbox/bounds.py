"""How much may wait: beyond it the oldest goes, and is counted by reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from onetrail.clock import Reading, true_ms

if TYPE_CHECKING:
    from onetrail.outbox.store import Store

_LOOK = 100
_SHARE = 16  # over its bytes, a sixteenth of the events goes at once: trimming must be rare
_ASIDE_SHARE = 10
_PLAUSIBLE_MS = 1_704_067_200_000  # 2024: a clock that says less has not been set
_PLAUSIBLE_AGE_MS = 10 * 365 * 86_400_000  # and one that says this much later has been set wrongly


class Bounds(NamedTuple):
    """The most that may wait in one store."""

    events: int
    bytes: int
    age_s: float

    @property
    def step(self) -> int:
        """After how many appended events to look again; the bounds may be passed by as many."""
        return max(1, min(1000, self.events // 64))

    def share(self, part: int) -> Bounds:
        """One part in so many of the events and bytes."""
        return Bounds(self.events // part, self.bytes // part, self.age_s)


def trim(store: Store, bounds: Bounds) -> int:
    """Drops the oldest events until the store is within its bounds; returns how many."""
    dropped = 0
    rows, size = store.size()
    if rows > bounds.events:
        dropped += store.keep_newest(bounds.events, "outbox_full_events")
    while size > bounds.bytes:
        gone = store.drop_oldest(max(1, rows // _SHARE), "outbox_full_bytes")
        dropped += gone
        if not gone:
            break
        rows, size = store.size()
    return dropped


def trim_aside(store: Store, bounds: Bounds) -> None:
    """Drops the oldest of what was set aside."""
    store.ledger.drop_aside(max(1, bounds.events // _ASIDE_SHARE), "aside_full")


def trim_old(store: Store, bounds: Bounds, now: Reading) -> int:
    """Drops what has waited too long, where the clocks can be believed; returns how many.

    Only the head of the queue is looked at: the rest comes with later calls.
    """
    anchors = store.anchors()
    old = 0
    for event in store.peek(_LOOK):
        boot = store.session(event.session).boot
        happened = Reading(event.wall_ms, event.mono_ms, boot)
        if boot == now.boot:
            age_ms = now.mono_ms - event.mono_ms
        else:
            anchor = Reading(*anchors[boot], boot) if boot in anchors else happened
            age_ms = _believable(true_ms(happened, anchor), now.wall_ms)
        if age_ms <= bounds.age_s * 1000:
            break
        old += 1
    return store.drop_oldest(old, "too_old") if old else 0


def _believable(happened_ms: int, now_ms: int) -> int:
    age_ms = now_ms - happened_ms
    believable = happened_ms > _PLAUSIBLE_MS and age_ms < _PLAUSIBLE_AGE_MS
    return age_ms if believable else 0
