"""What the body of a 2xx answer says; what is deleted never depends on it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NamedTuple


class Receipt(NamedTuple):
    """The parts of an answer that the SDK uses."""

    profile_id: str | None
    rejected: dict[str, int]
    """How many events the collector refused, by error code."""


def read(body: bytes) -> Receipt:
    """Reads the answer; whatever is missing or odd is as if it had not been said."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return Receipt(None, {})
    return Receipt(_profile_id(answer.get("profile")), _codes(answer.get("rejected")))


def _profile_id(profile: Any) -> str | None:
    issued = profile.get("id") if isinstance(profile, dict) else None
    return issued if isinstance(issued, str) and issued else None


def _codes(rejected: Any) -> dict[str, int]:
    if not isinstance(rejected, list):
        return {}
    return dict(Counter(str(item.get("error"))[:64] for item in rejected if isinstance(item, dict)))
