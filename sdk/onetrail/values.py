"""Any Python value, as JSON: what JSON has no word for becomes text, and nothing raises."""

from __future__ import annotations

import base64
import enum
import json
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

MAX_DEPTH = 16
MAX_BYTES = 32_000
"""The collector takes 32,768 bytes; this leaves it room to count in its own way."""
LOSSY = frozenset(
    {"not_finite", "cyclic", "too_deep", "too_large", "not_unicode", "unprintable", "unknown_type"}
)
"""Changes that lose something; the others only give a value its JSON form."""
_MAX_INT = 2**63 - 1
_TEXT_MODULES = {"decimal", "fractions", "ipaddress", "pathlib", "uuid"}
_QUICK_CHARS = MAX_BYTES // 4  # so short that its bytes cannot be too many
_QUICK_BRACKETS = MAX_DEPTH  # so few that it cannot be nested too deep

T = TypeVar("T")
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def quick(properties: Mapping[str, Any]) -> str | None:
    """The properties as JSON, if they need no change and are well within the limits; else None."""
    try:
        text = _encode(properties)
        if len(text) > _QUICK_CHARS or text.count("{") + text.count("[") > _QUICK_BRACKETS:
            return None
        if not text.isascii():
            text.encode()  # a lone surrogate raises here, not later in the sender
    except (TypeError, ValueError, RecursionError):
        return None
    return text


class Encoded:
    """JSON text, and how often something had to be changed, by reason."""

    __slots__ = ("changes", "text")

    def __init__(self, text: str, changes: dict[str, int]) -> None:
        self.text = text
        self.changes = changes


def encode(properties: Mapping[str, Any], *, max_bytes: int = MAX_BYTES) -> Encoded:
    """The properties as a JSON object of at most `max_bytes` bytes.

    What quick() does not take is coerced: datetime, date and time to ISO 8601,
    Decimal, UUID and Path to text, Enum to its value, set to a list, bytes to base64, dataclasses
    to objects, NaN and infinity to null, anything else to its repr. What is cyclic or too deep
    becomes a marker text; of what is too large, the largest values are cut first and the rest is
    kept. Each change is counted by reason.
    """
    coercer = _Coercer()
    coerced = coercer.mapping(properties, depth=1)
    text = _cut(coerced, max_bytes, coercer.changes)
    return Encoded(text, coercer.changes)


class _Coercer:
    """One walk over one event's properties."""

    def __init__(self) -> None:
        self.changes: dict[str, int] = {}
        self._open: set[int] = set()

    def value(self, value: Any, depth: int) -> Any:
        match value:
            case None | bool():
                return value
            case enum.Enum():
                return self.value(value.value, depth)
            case str():
                return self._text(value)
            case int():
                return int(value) if -_MAX_INT <= value <= _MAX_INT else self._leaf(value)
            case float():
                return float(value) if math.isfinite(value) else self._count("not_finite", None)
        return self._container(value, depth)

    def mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        return {self._key(key): self.value(item, depth + 1) for key, item in list(value.items())}

    def _container(self, value: Any, depth: int) -> Any:
        is_data = _is_dataclass(value)
        if not (is_data or isinstance(value, Mapping | AbstractSet | list | tuple)):
            return self._leaf(value)
        if id(value) in self._open:
            return self._count("cyclic", "<cyclic>")
        if depth > MAX_DEPTH:
            return self._count("too_deep", "<too deep>")
        self._open.add(id(value))
        try:
            if is_data:
                names = value.__dataclass_fields__
                return self.mapping({name: getattr(value, name, None) for name in names}, depth)
            if isinstance(value, Mapping):
                return self.mapping(value, depth)
            return [self.value(item, depth + 1) for item in list(value)]
        finally:
            self._open.discard(id(value))

    def _key(self, key: Any) -> str:
        return self._text(key) if isinstance(key, str) else self._leaf(key)

    def _text(self, text: str) -> str:
        whole = str(text)
        try:
            whole.encode()
        except UnicodeEncodeError:
            return self._count("not_unicode", whole.encode("utf-8", "replace").decode())
        return whole

    def _leaf(self, value: Any) -> str:
        try:
            if isinstance(value, bytes | bytearray | memoryview):
                return self._count("text", base64.b64encode(value).decode("ascii"))
            if hasattr(value, "isoformat"):
                return self._count("text", str(value.isoformat()))
            known = type(value).__module__ in _TEXT_MODULES or isinstance(value, int | float | None)
            return self._count("text" if known else "unknown_type", self._text(str(value)))
        except Exception:  # noqa: BLE001  a foreign __str__ may raise anything
            return self._count("unprintable", f"<{type(value).__name__}>")

    def _count(self, reason: str, result: T) -> T:
        self.changes[reason] = self.changes.get(reason, 0) + 1
        return result


def _is_dataclass(value: Any) -> bool:
    """By its mark: importing the module of that name would cost the app ten milliseconds."""
    return not isinstance(value, type) and isinstance(
        getattr(value, "__dataclass_fields__", None), dict
    )


def _cut(properties: dict[str, Any], max_bytes: int, changes: dict[str, int]) -> str:
    """Replaces the largest values by a marker until the whole fits."""
    text = _encode(properties)
    excess = len(text.encode()) - max_bytes
    if excess <= 0:
        return text
    sizes = {key: len(_encode(value).encode()) for key, value in properties.items()}
    for key in sorted(sizes, key=lambda key: sizes[key], reverse=True):
        if excess <= 0:
            break
        changes["too_large"] = changes.get("too_large", 0) + 1
        marker = f"<cut: {sizes[key]} bytes>"
        if sizes[key] > len(marker) + 2:
            properties[key] = marker
            excess -= sizes[key] - len(marker) - 2
        else:  # thousands of small ones: their names are the weight
            del properties[key]
            excess -= sizes[key] + len(_encode(key).encode()) + 2
    return _encode(properties)
