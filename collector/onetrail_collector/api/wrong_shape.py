"""What does not fit a call, in a sentence: the field, what is expected there, and what was given.

msgspec says where it is; what is expected is read from the type itself, so that a choice is told
with all that there is to choose from.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import inspect

SHOWN_CHARS = 40
NOT_BLANK = r"\S"
PATTERNS = {NOT_BLANK: ", not spaces alone"}

STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
NAMED = re.compile(r"^Object (missing required|contains unknown) field `([^`]*)`")


def in_words(error: msgspec.ValidationError, shape: type[msgspec.Struct], given: Any) -> str:
    """`limit: expected a whole number from 1 to 1000, got '5000'`, of what `given` has there."""
    message, _, at = str(error).partition(" - at `$")
    expected: Any = inspect.type_info(shape)
    path = at.rstrip("`")
    for step in STEP.finditer(path):
        name, index = step.groups()
        expected = _within(expected, name)
        given = _item(given, name if index is None else int(index))
    where = path.lstrip(".")
    named = NAMED.match(message)
    if named is None:
        return f"{where or 'body'}: expected {describe(expected)}, got {_shown(given, expected)}"
    what, name = named.groups()
    prefix = f"{where}." if where else ""
    if what == "contains unknown":
        known = [field.encode_name for field in _fields(expected)]
        return f"{prefix}{name[:SHOWN_CHARS]} is not a field of this call; {nearest(name, known)}"
    return f"{prefix}{name}: is missing; expected {describe(_within(expected, name))}"


def nearest(name: str, known: list[str]) -> str:
    """What may have been meant, for who wrote a name that there is not."""
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"


def describe(expected: Any) -> str:  # noqa: PLR0911 - a sentence each
    """A type as one says it; JSON's words, as the caller need not know Python's."""
    match expected:
        case inspect.LiteralType():
            return f"one of {', '.join(map(str, expected.values))}"
        case inspect.StrType():
            return (
                f"a text{_between(expected.min_length, expected.max_length, ' of', ' characters')}"
                f"{_pattern(expected.pattern)}"
            )
        case inspect.IntType():
            return f"a whole number{_between(expected.ge, expected.le, '', '')}"
        case inspect.FloatType():
            return f"a number{_between(expected.ge, expected.le, '', '')}"
        case inspect.BoolType():
            return "true or false"
        case inspect.NoneType():
            return "null"
        case inspect.ListType():
            items = _between(expected.min_length, expected.max_length, " of", " items")
            return f"an array{items}, each {describe(expected.item_type)}"
        case inspect.UnionType():
            return " or ".join(describe(one) for one in expected.types)
        case inspect.StructType() | inspect.DictType():
            return "an object"
    return "another value"


def _pattern(pattern: str | None) -> str:
    return PATTERNS.get(pattern, f" that matches {pattern}") if pattern else ""


def _between(low: Any, high: Any, before: str, after: str) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f"{before} {low} or more{after}" if before else f" of at least {low}"
    if low is None:
        return f"{before or ' of'} at most {high}{after}"
    return f"{before or ' from'} {low} to {high}{after}"


def _options(expected: Any) -> tuple[Any, ...]:
    return expected.types if isinstance(expected, inspect.UnionType) else (expected,)


def _fields(expected: Any) -> list[inspect.Field]:
    structs = [one for one in _options(expected) if isinstance(one, inspect.StructType)]
    return [field for one in structs for field in one.fields]


def _within(expected: Any, name: str | None) -> Any:
    """The type of a field, or of an item where there is no name; None where none is known."""
    if name is None:
        lists = [one for one in _options(expected) if isinstance(one, inspect.ListType)]
        return lists[0].item_type if lists else None
    return next((one.type for one in _fields(expected) if one.encode_name == name), None)


def _item(given: Any, key: str | int | None) -> Any:
    try:
        return given[key]
    except (LookupError, TypeError):
        return None


def _shown(given: Any, expected: Any) -> str:  # noqa: PLR0911 - likewise
    match given:
        case None:
            return "null"
        case bool():
            return "true" if given else "false"
        case str() if len(given) > SHOWN_CHARS:
            return f"{given[:SHOWN_CHARS]!r}... of {len(given)} characters"
        case str() | int() | float():
            return repr(given)[:SHOWN_CHARS]
        case Mapping():
            return "an object"
        case list() if isinstance(expected, inspect.ListType):
            return f"{len(given)} items"
    return "an array"
