"""How deep JSON is nested: a bound, so that whoever reads what is stored needs no deep stack."""

import re

MAX_DEPTH = 32
SHALLOW_BYTES = 2 * MAX_DEPTH + 5  # `{"":[[...]]}` is the shortest that is deeper

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def is_too_deep(value: bytes) -> bool:
    """Whether valid JSON is nested deeper than MAX_DEPTH; mostly answered by two counts."""
    if len(value) < SHALLOW_BYTES or value.count(b"{") + value.count(b"[") <= MAX_DEPTH:
        return False
    return depth(value) > MAX_DEPTH


def depth(value: bytes) -> int:
    """The levels of valid JSON: 0 of a number, 1 of `{}`, 2 of `{"a": []}`."""
    deepest = level = 0
    for bracket in re.findall(rb"[\[\]{}]", _STRING.sub(b"", value)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest
