"""A merging key is a value in one spelling: what two devices must share to be one person."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from onetrail_collector.identity.blocked import JUNK, JUNK_EMAILS, blocked_list
from onetrail_collector.identity.normalisers import (
    MAX_VALUE_CHARS,
    NORMALISERS,
    InvalidValue,
    Spelling,
    at_a_glance,
)

__all__ = [
    "BUILT_IN_KINDS",
    "InvalidValue",
    "Key",
    "Kind",
    "PlainKey",
    "is_blocked",
    "normalise",
]


class Key(NamedTuple):
    """A merging key: its kind's name and its value in normal form."""

    kind: str
    value: str


PlainKey = tuple[str, str]
"""A Key, or the like of it: of a million, plain tuples cost the garbage collector nothing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of merging key, as configured.

    exclusive: a profile holds at most one value of this kind (a customer number).
    priority: links of a kind with a lower number are considered first; an exclusive kind's must be,
    or what two customers have in common makes them one before their numbers keep them apart.
    max_profile_ids: a value seen on more profile IDs is shared (a kiosk's phone) and joins nobody.
    blocked: values that link nobody, in lower case; `*` stands for any characters (blocked.py).
    ignore_gmail_dots, ignore_plus_tags: of e-mail addresses; see normalisers.Spelling.
    max_values: a profile holds at most so many values of this kind; an exclusive kind's is 1.
    """

    name: str
    normaliser: str = "text"
    exclusive: bool = False
    priority: int = 100
    max_profile_ids: int = 100
    blocked: frozenset[str] = JUNK
    ignore_gmail_dots: bool = False
    ignore_plus_tags: bool = False
    max_values: int = 20


def normalise(kind: Kind, value: object, *, phone_region: str | None = None) -> str:
    """The one spelling of `value`; raises InvalidValue where it is not a value of this kind.

    Numbers are taken as their decimal text, so that user_id 17 and "17" are one.
    """
    spelling = Spelling(phone_region, kind.ignore_gmail_dots, kind.ignore_plus_tags)
    return _remembered(kind.normaliser, as_text(value), spelling)


def normaliser(kind: Kind, phone_region: str | None = None) -> Callable[[str], str]:
    """normalise() for many different texts of one kind: it remembers none of them."""
    spelling = Spelling(phone_region, kind.ignore_gmail_dots, kind.ignore_plus_tags)
    name = kind.normaliser
    is_normal = at_a_glance(name, spelling)
    return lambda text: text if is_normal(text) else _normalise(name, text, spelling)


def as_text(value: object) -> str:
    """A text or a whole number as a text, as it was sent. Raises InvalidValue."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        raise InvalidValue("is a list; an identification point names one of its values, as list.0")
    got = {dict: "an object", bool: "true or false", type(None): "null"}.get(type(value))
    raise InvalidValue(f"expected a text or a whole number, got {got or 'a decimal number'}")


def blocked_entry(kind: Kind, value: str) -> str | None:
    """The entry of its kind's list that a value, raw or normalised, meets; None: it may link."""
    return blocked_list(kind.blocked).entry(value)


def is_blocked(kind: Kind, value: str) -> bool:
    """Whether a value, raw or normalised, is junk that many devices send."""
    return blocked_entry(kind, value) is not None


def _normalise(name: str, raw: str, spelling: Spelling) -> str:
    text = raw.strip()
    _check_length(text)
    if not text.isprintable():
        raise InvalidValue("holds characters that cannot be printed")
    normal = NORMALISERS[name](text, spelling)
    _check_length(normal)
    return normal


# The same few addresses come again at each start of an app.
_remembered = lru_cache(maxsize=10_000)(_normalise)


def _check_length(text: str) -> None:
    if not text or len(text) > MAX_VALUE_CHARS:
        raise InvalidValue(f"has {len(text)} characters; expected 1 to {MAX_VALUE_CHARS}")


MAX_DEVICES = 1_000  # of one profile, as these kinds name them
EXCLUSIVE_PRIORITY = 10  # of an exclusive kind, where the configuration names none

BUILT_IN_KINDS = (
    Kind("user_id", exclusive=True, priority=EXCLUSIVE_PRIORITY, max_values=1),
    Kind("email", normaliser="email", priority=20, blocked=JUNK_EMAILS),
    Kind("phone", normaliser="phone", priority=30),
    Kind(
        "distinct_id", priority=40, max_values=MAX_DEVICES
    ),  # of one source's clients: a person's or a device's
    Kind(
        "anonymous_id", priority=40, max_values=MAX_DEVICES
    ),  # another device, as its own client calls it
    Kind(
        "arrival", priority=50, max_values=MAX_DEVICES
    ),  # a profile ID that another site passed on with its visitor
)
