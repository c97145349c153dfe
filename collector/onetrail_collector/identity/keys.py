"""A merging key is a value in one spelling: what two devices must share to be one person.

Normalising is done by libraries made for it: email-validator (RFC 5321, 6531) and phonenumbers
(Google's libphonenumber, E.164). A value that is junk ("null", zeros) is blocked: it links nobody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from email_validator import EmailNotValidError, validate_email

MAX_VALUE_CHARS = 320  # the longest e-mail address: 64 + "@" + 255 (RFC 5321, section 4.5.3.1)

JUNK = frozenset(
    {"null", "none", "nil", "undefined", "nan", "anonymous", "guest", "unknown", "test", "-1"}
    | {"n/a", "true", "false", "[object object]", "00000000-0000-0000-0000-000000000000"}
    | {"test@test.com", "test@example.com"}
)
"""Values that programs send when they know nobody; compared in lower case."""


class Key(NamedTuple):
    """A merging key: its kind's name and its value in normal form."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of merging key, as configured.

    exclusive: a profile holds at most one value of this kind (a customer number).
    priority: links of a kind with a lower number are considered first.
    max_profile_ids: a value seen on more profile IDs is shared (a kiosk's phone) and joins nobody.
    max_values: a profile holds at most so many values of this kind; an exclusive kind's is 1.
    """

    name: str
    normaliser: str = "text"
    exclusive: bool = False
    priority: int = 100
    max_profile_ids: int = 100
    blocked: frozenset[str] = field(default=frozenset())
    max_values: int = 20


class InvalidValue(ValueError):  # noqa: N818 - it names what is wrong with a value
    """The value is not one of its kind; the message says why and never repeats the value."""


def normalise(kind: Kind, value: object, *, phone_region: str | None = None) -> str:
    """The one spelling of `value`; raises InvalidValue where it is not a value of this kind.

    Numbers are taken as their decimal text, so that user_id 17 and "17" are one.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InvalidValue(f"expected a text, got {type(value).__name__}")
    text = str(value).strip()
    if not text or len(text) > MAX_VALUE_CHARS:
        raise InvalidValue(f"has {len(text)} characters; expected 1 to {MAX_VALUE_CHARS}")
    if not text.isprintable():
        raise InvalidValue("holds characters that cannot be printed")
    return _normalise(kind.normaliser, text, phone_region)


def is_blocked(kind: Kind, value: str) -> bool:
    """Whether a value, raw or normalised, is junk that many devices send."""
    lowered = value.strip().lower()
    return lowered in JUNK or lowered in kind.blocked or not lowered.strip("0-. ")


@lru_cache(maxsize=10_000)  # the same few addresses come again at each start of an app
def _normalise(normaliser: str, text: str, phone_region: str | None) -> str:
    return NORMALISERS[normaliser](text, phone_region)


def _text(text: str, _: str | None) -> str:
    return text


def _lower(text: str, _: str | None) -> str:
    return text.casefold()


def _email(text: str, _: str | None) -> str:
    try:
        address = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise InvalidValue(f"is not an e-mail address: {error}") from None
    return address.normalized.lower()


def _phone(text: str, region: str | None) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        hint = "" if region else "; a number without its country code needs identity.phone_region"
        raise InvalidValue(f"is not a phone number: {error}{hint}") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidValue("is not a possible phone number of its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


NORMALISERS: Mapping[str, Callable[[str, str | None], str]] = {
    "text": _text,
    "lower": _lower,
    "email": _email,
    "phone": _phone,
}

BUILT_IN_KINDS = (
    Kind("user_id", exclusive=True, priority=10, max_values=1),
    Kind("email", normaliser="email", priority=20),
    Kind("phone", normaliser="phone", priority=30),
    Kind("distinct_id", priority=40),  # of one source's clients: a person's or a device's
    Kind("anonymous_id", priority=40),  # another device, as its own client calls it
    Kind("arrival", priority=50),  # a profile ID that another site passed on with its visitor
)
