"""Waiting until what was tracked so far is acknowledged, while other threads go on tracking."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from onetrail.sender import deadline

if TYPE_CHECKING:
    from onetrail.outbox.outbox import Outbox
    from onetrail.sender import Sender

_POLL_S = 0.005


def flush(outbox: Outbox, sender: Sender, timeout_s: float, *, give_up_on_failure: bool) -> int:
    """Hurries the sender and waits; returns how many events of before the call still wait."""
    left_s = deadline(timeout_s)
    failed = sender.failed
    mark = outbox.mark()
    if outbox.any_waiting(mark):
        sender.wake(hurry=True)
    while outbox.any_waiting(mark):
        hopeless = sender.failed > failed or sender.told_to_wait.is_set()
        if left_s() <= 0 or (give_up_on_failure and hopeless):
            return outbox.waiting(mark)
        time.sleep(_POLL_S)
    return 0
