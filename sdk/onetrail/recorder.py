"""From a call to an event: the type is checked, the hook asked, odd values made JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onetrail import values
from onetrail.log import logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from onetrail.tally import Tally

MAX_NAME_CHARS = 128  # the collector's limit for types and ids


class Recorder:
    """Makes the lasting parts of an event: its type, and its properties as JSON."""

    def __init__(
        self,
        *,
        before_send: Callable[[dict[str, Any]], dict[str, Any] | None] | None,
        strict: bool,
        tally: Tally,
    ) -> None:
        self._before_send = before_send
        self._strict = strict
        self._tally = tally

    def record(self, event_type: str, properties: Mapping[str, Any]) -> tuple[str, str] | None:
        """The type and the properties' JSON; None if the hook dropped the event.

        Raises:
            TypeError: the type is no text, or the properties are no mapping.
            ValueError: the type is empty or too long; with strict=True also any value that
                could not be kept as it was.
        """
        if self._before_send is not None:
            changed = self._ask(event_type, properties)
            if changed is None:
                return None
            event_type, properties = changed
        _check(event_type)
        text = values.quick(properties)
        if text is None:
            encoded = values.encode(properties)
            self._count(event_type, encoded.changes)
            text = encoded.text
        return event_type, text

    def _ask(
        self, event_type: str, properties: Mapping[str, Any]
    ) -> tuple[str, Mapping[str, Any]] | None:
        """What the app's hook makes of the event; a hook that fails drops it, for privacy."""
        assert self._before_send is not None  # noqa: S101  narrows the type
        try:
            event = self._before_send({"type": event_type, "properties": dict(properties)})
            if event is None:
                self._tally.add("dropped:before_send")
                return None
            return event["type"], event["properties"]
        except Exception:
            if self._strict:
                raise
            self._tally.add("dropped:before_send_failed")
            logger.exception("before_send failed; the event is dropped")
            return None

    def _count(self, event_type: str, changes: dict[str, int]) -> None:
        lossy = {reason: count for reason, count in changes.items() if reason in values.LOSSY}
        if self._strict and lossy:
            raise ValueError(f"properties of {event_type!r} cannot be kept as they are: {lossy}")
        for reason, count in changes.items():
            self._tally.add(f"changed:{reason}", count)


def _check(event_type: str) -> None:
    if not isinstance(event_type, str):
        raise TypeError(f"the event type is {event_type!r}; it must be a text such as 'page-view'")
    if not event_type:
        raise ValueError("the event type is empty; it must be a text such as 'page-view'")
    check_name("event type", event_type)


def check_name(what: str, name: str) -> None:
    """Raises ValueError for a name that the collector would refuse."""
    if len(name) > MAX_NAME_CHARS:
        raise ValueError(f"the {what} has {len(name)} characters; the limit is {MAX_NAME_CHARS}")
    if not name.isprintable():
        raise ValueError(f"the {what} is {name!r}; it must be printable text")


def merged(properties: Mapping[str, Any] | None, more: dict[str, Any]) -> Mapping[str, Any]:
    """The properties of one call, given as a mapping, as keywords, or both.

    Raises:
        TypeError: `properties` is no mapping.
    """
    if properties is None:
        return more
    if not isinstance(properties, Mapping):
        raise TypeError(f"properties are {type(properties).__name__}; they must be a mapping")
    return {**properties, **more}


def unmistakable_ms(when: datetime) -> int:
    """The moment in milliseconds since 1970.

    Raises:
        ValueError: `when` has no time zone.
    """
    if when.tzinfo is None:
        raise ValueError(f"{when} has no time zone; an event's time must be unmistakable")
    return round(when.timestamp() * 1000)


def keys_and_traits(
    email: str | None,
    phone: str | None,
    user_id: str | int | None,
    traits: Mapping[str, Any] | None,
    signature: str | Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The properties of an event "identify": what was given, and the user ID as text.

    Raises:
        ValueError: nothing was given.
    """
    keys = {
        "email": email,
        "phone": phone,
        "user_id": None if user_id is None else str(user_id),
    }
    given: dict[str, Any] = {name: value for name, value in keys.items() if value is not None}
    if traits is not None:
        given["traits"] = dict(traits)
    if not given:
        raise ValueError("identify() needs at least one of email, phone, user_id, traits")
    if signature is not None:
        given["signature"] = signature if isinstance(signature, str) else dict(signature)
    return given
