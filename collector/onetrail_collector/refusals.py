"""The last refusals of whole requests, in memory: why nothing of a client arrives at all.

Each known source has its own few, and all that name an unknown one share as many: a stranger pushes
out nobody's but other strangers'. Bodies are not kept.
"""

from collections import deque
from typing import NamedTuple

from onetrail_collector.clock import Clock
from onetrail_collector.errors import Refused

MAX_OF_A_SOURCE = 50
MAX_SOURCES = 1_000  # some refusals come before a source is looked up: its name may be anybody's
MAX_DETAIL_CHARS = 300
OF_STRANGERS = {"unknown_source", "not_json", "wrong_shape", "too_large", "unsupported_encoding"}


class Refusal(NamedTuple):
    """One request that was answered with an error; `source` is None where it was not known."""

    received_ms: int
    source: str | None
    status: int
    code: str
    detail: str


class Refusals:
    """What was refused of late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of: dict[str | None, deque[Refusal]] = {}

    def note(self, source: str | None, refused: Refused) -> None:
        """Remember a refusal that a client or an operator must act on."""
        if refused.retry_after_s is not None:
            return
        known = None if refused.code in OF_STRANGERS else source
        if known not in self._of and len(self._of) >= MAX_SOURCES:
            known = None
        self._of.setdefault(known, deque(maxlen=MAX_OF_A_SOURCE)).append(
            Refusal(
                self._clock(),
                known,
                refused.status,
                refused.code,
                refused.detail[:MAX_DETAIL_CHARS],
            )
        )

    def newest(self, source: str | None) -> list[Refusal]:
        """Of one source and of strangers, or of all; the newest first."""
        keys = self._of.keys() if source is None else {source, None}
        found = [refusal for key in keys for refusal in self._of.get(key, ())]
        return sorted(found, key=lambda refusal: -refusal.received_ms)
