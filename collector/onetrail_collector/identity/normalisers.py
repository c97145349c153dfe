"""One spelling for each value: two spellings of one value must meet, two values never.

Each normaliser is idempotent: its answer is its own normal form. E-mail addresses and phone numbers
are read by libraries made for it, email-validator (RFC 5321, 6531) and phonenumbers (Google's
libphonenumber, E.164). Most values are their own normal form, which is told at a glance, thirty
times as fast; tests hold the short cuts against the libraries.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import phonenumbers
from email_validator import EmailNotValidError, validate_email

MAX_VALUE_CHARS = 320  # the longest e-mail address: 64 + "@" + 255 (RFC 5321, section 4.5.3.1)
GMAIL_DOMAINS = frozenset({"gmail.com", "googlemail.com"})

PLAIN_TEXT = re.compile(rf"[!-~][ -~]{{0,{MAX_VALUE_CHARS - 1}}}(?<! )\Z")
PLAIN_LOWER = re.compile(rf"[!-@\[-~][ -@\[-~]{{0,{MAX_VALUE_CHARS - 1}}}(?<! )\Z")
PLAIN_DIGITS = re.compile(rf"[0-9]{{1,{MAX_VALUE_CHARS}}}\Z")
PLAIN_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
# Lower case, no quotes, and a domain whose labels need no IDNA: most addresses there are.
PLAIN_EMAIL = re.compile(
    r"(?=.{1,254}\Z)"  # bytes of the whole address (RFC 3696, errata 1690)
    r"[a-z0-9_!#$%&'*+\-/=?^`{|}~]+(?:\.[a-z0-9_!#$%&'*+\-/=?^`{|}~]+)*"
    r"@(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?!..--)(?!(?:arpa|invalid|local|localhost|onion)\Z)"  # special-use domains (RFC 6761)
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?<=[a-z])\Z",
)
PLAIN_PHONE = re.compile(r"\+[1-9][0-9]{6,14}\Z")
DIGIT_SEPARATORS = frozenset(" -./()_")


class InvalidValue(ValueError):  # noqa: N818 - it names what is wrong with a value
    """The value is not one of its kind; the message says why and never repeats the value."""


class Spelling(NamedTuple):
    """What is one value, where people differ.

    phone_region: the country of numbers without a country code, ISO 3166-1 alpha-2; None: none.
    ignore_gmail_dots: a.b@gmail.com, ab@gmail.com and ab@googlemail.com are one mailbox.
    ignore_plus_tags: ann+shop@ and ann@ are one mailbox (RFC 5233, at any domain).
    """

    phone_region: str | None = None
    ignore_gmail_dots: bool = False
    ignore_plus_tags: bool = False


def _text(text: str, _: Spelling) -> str:
    return unicodedata.normalize("NFC", text)


def _lower(text: str, _: Spelling) -> str:
    return _settled(text, lambda value: unicodedata.normalize("NFC", value.casefold()))


def _digits(text: str, _: Spelling) -> str:
    digits = "".join(char for char in text if char not in DIGIT_SEPARATORS)
    if not digits.isdecimal():
        raise InvalidValue("holds something else than digits and what parts them")
    return "".join(str(unicodedata.decimal(char)) for char in digits)


def _uuid(text: str, _: Spelling) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidValue("is not a UUID") from None


def _email(text: str, spelling: Spelling) -> str:
    plain = text.lower()
    if PLAIN_EMAIL.match(plain) is None:
        plain = _settled(text, _email_by_library)
    if not (spelling.ignore_plus_tags or spelling.ignore_gmail_dots):
        return plain
    local, _, domain = plain.rpartition("@")
    if spelling.ignore_plus_tags:
        local = local.partition("+")[0] or local
    if spelling.ignore_gmail_dots and domain in GMAIL_DOMAINS:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _email_by_library(text: str) -> str:
    """NFC, lower case, no needless quotes, the domain in Unicode; .test is a domain like others."""
    try:
        address = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidValue(f"is not an e-mail address: {_without_values(error)}") from None
    if "." not in address.domain:
        raise InvalidValue("is not an e-mail address: its domain has no dot")
    return unicodedata.normalize("NFC", address.normalized.lower())


def _without_values(error: EmailNotValidError) -> str:
    """The library's sentence up to where it quotes characters of the address."""
    return str(error).partition(":")[0].rstrip(".")


def _phone(text: str, spelling: Spelling) -> str:
    if _is_plain_phone(text):
        return text
    return _settled(text, lambda number: _phone_by_library(number, spelling.phone_region))


def _phone_by_library(text: str, region: str | None) -> str:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        hint = "" if region else "; a number without its country code needs identity.phone_region"
        raise InvalidValue(f"is not a phone number: {error}{hint}") from None
    if not phonenumbers.is_possible_number(number):
        raise InvalidValue("is not a possible phone number of its country")
    if number.extension:
        raise InvalidValue("has an extension; write the number alone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_plain_phone(text: str) -> bool:
    """Whether the library would answer a number as it is."""
    if PLAIN_PHONE.match(text) is None:
        return False
    country = _country(text[1:4])
    if country is None:
        return False
    national = text[country.begins :]
    if country.prefix is not None and country.prefix.match(national):
        return False
    return len(national) in country.lengths


class _Country(NamedTuple):
    begins: int  # where a national number does, after "+" and the country's code
    prefix: re.Pattern[str] | None  # what parse() would take off a national number
    lengths: frozenset[int]


@lru_cache(maxsize=1000)
def _country(digits: str) -> _Country | None:
    """The country, or the service, of the numbers that begin with these three digits."""
    for end in (1, 2, 3):  # a country code is no prefix of another
        code = int(digits[:end])
        region = phonenumbers.region_code_for_country_code(code)
        metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        if metadata is not None and metadata.general_desc is not None:
            prefix = metadata.national_prefix_for_parsing
            lengths = frozenset(metadata.general_desc.possible_length)
            return _Country(1 + end, re.compile(prefix) if prefix else None, lengths)
    return None


def _settled(text: str, step: Callable[[str], str]) -> str:
    """The value at which `step` changes nothing any more; Unicode needs two steps, rarely three."""
    for _ in range(4):
        after = step(text)
        if after == text:
            return text
        text = after
    raise InvalidValue("has no settled spelling")


NORMALISERS: Mapping[str, Callable[[str, Spelling], str]] = {
    "text": _text,
    "lower": _lower,
    "digits": _digits,
    "email": _email,
    "phone": _phone,
    "uuid": _uuid,
}

_AT_A_GLANCE: Mapping[str, Callable[[str], object]] = {
    "text": PLAIN_TEXT.match,
    "lower": PLAIN_LOWER.match,
    "digits": PLAIN_DIGITS.match,
    "email": PLAIN_EMAIL.match,
    "phone": _is_plain_phone,
    "uuid": PLAIN_UUID.match,
}


def at_a_glance(name: str, spelling: Spelling) -> Callable[[str], object]:
    """What answers something true of most texts that are their own normal form, and of no other."""
    if name == "email" and (spelling.ignore_gmail_dots or spelling.ignore_plus_tags):
        return lambda _: None
    return _AT_A_GLANCE[name]
