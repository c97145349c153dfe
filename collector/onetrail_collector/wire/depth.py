"""How deep JSON is nested: a bound, so that whoever reads what is stored needs no deep stack."""

import re

MAX_DEPTH = 32
SHALLOW_BYTES = 2 * MAX_DEPTH + 5  # `{"":[[...]]}` is the shortest that is deeper

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def is_too_deep(value: bytes) -> bool:
    """Whether valid JSON is nested deeper than MAX_DEPTH; mostly answered by two counts."""
    if len(value) < SHALLOW_BYTES or value.count(b"{") + value.count(b"[") <= MAX_DEPTH:
        return False
    return depth(value, at_most=MAX_DEPTH + 1) > MAX_DEPTH


def depth(value: bytes, *, at_most: int | None = None) -> int:
    """The levels of valid JSON: 0 of a number, 1 of `{}`, 2 of `{"a": []}`.

    Each round takes away the innermost brackets; in C, because a stranger may send a megabyte of
    them.
    """
    brackets = _STRING.sub(b"", value).translate(_ONE_KIND, _NO_BRACKET)
    level = 0
    while brackets and level != at_most:
        brackets = brackets.replace(b"[]", b"")
        level += 1
    return level
