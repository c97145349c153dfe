"""What an answer means for the events sent: decided by the status, never by the body."""

from __future__ import annotations

import enum

_OK, _REDIRECT, _BAD, _SERVER = 200, 300, 400, 500
_TOO_LARGE = 413
_KEEP = frozenset({401, 403})
_BLAMES_ONE = frozenset({400, 422})
_LATER = frozenset({408, 425, 429})


class Verdict(enum.Enum):
    """What to do next."""

    DELIVERED = "delivered"
    """Committed by the collector: forget them here."""
    RETRY = "retry"
    """Keep them and try again later."""
    REFUSED_SOURCE = "refused_source"
    """The operator must act (unknown source, origin); keep them, say how, and try again later."""
    SPLIT = "split"
    """Too large for the collector: send fewer at once."""
    SET_ASIDE = "set_aside"
    """The collector will never take this: out of the way of the others, kept for a look."""


def verdict(status: int) -> Verdict:
    """The meaning of an HTTP status."""
    if _OK <= status < _REDIRECT:
        return Verdict.DELIVERED
    if status in _KEEP:
        return Verdict.REFUSED_SOURCE
    if status == _TOO_LARGE:
        return Verdict.SPLIT
    if _BAD <= status < _SERVER and status not in _LATER:
        return Verdict.SET_ASIDE
    return Verdict.RETRY


def blames_one_event(status: int) -> bool:
    """Whether a refusal may be one event's fault, and not that of the address or the method."""
    return status in _BLAMES_ONE
