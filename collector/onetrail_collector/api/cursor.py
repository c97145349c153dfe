"""Pages: a cursor says where the next one begins; it means nothing to whoever gives it back."""

import base64
import binascii

import msgspec

from onetrail_collector.errors import wrong_shape

DEFAULT_PAGE = 100
MAX_PAGE = 1000
LAST = 2**62  # above any number: the first page of what comes newest first


def to_cursor(*place: int) -> str:
    """The place as a text for a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def from_cursor(cursor: str | None, *, first: tuple[int, ...]) -> tuple[int, ...]:
    """The place in a cursor, or `first` where there is none. Raises Refused (422)."""
    if cursor is None:
        return first
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=tuple[int, ...])
    except (binascii.Error, ValueError):
        place = ()
    if len(place) != len(first) or not all(abs(number) <= LAST for number in place):
        raise wrong_shape("cursor: give the next_cursor of the page before, as it is")
    return place
