"""Values that programs send when they know nobody: they link nobody, and are counted.

A list holds values in lower case; `*` in one stands for any characters. There are no regular
expressions, so that no entry can take for ever. Counted is the entry that a value met, not the
value: the count is bounded by the list, and holds nobody's address.
"""

from collections.abc import Iterable
from functools import lru_cache

ZEROS = "zeros and dashes"
"""The entry met by 0, 000-000, -, and the UUID of zeros; it is always on."""

JUNK = frozenset(
    {"null", "none", "nil", "undefined", "nan", "anonymous", "guest", "unknown", "test", "-1"}
    | {"n/a", "true", "false", "[object object]"}
)
"""Blocked for each kind, unless it says otherwise."""

JUNK_EMAILS = (
    JUNK
    | {"test@test.com", "*.example"}
    | {f"*{before}example.{top}" for before in "@." for top in ("com", "net", "org")}
)
"""Blocked e-mail addresses: the domains kept for examples (RFC 2606, section 3) among them."""


class Blocked:
    """A list, sorted by how its entries are compared."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._starts: list[str] = []
        self._ends: list[str] = []
        self._others: list[tuple[str, list[str]]] = []
        for entry in sorted(entries):
            first, *rest = parts = entry.split("*")
            if not rest:
                self._exact.add(entry)
            elif len(parts) == 2 and not first:  # noqa: PLR2004 - one star
                self._ends.append(rest[0])
            elif len(parts) == 2 and not rest[0]:  # noqa: PLR2004 - likewise
                self._starts.append(first)
            else:
                self._others.append((entry, parts))
        self._any_start, self._any_end = tuple(self._starts), tuple(self._ends)
        self._has_stars = bool(self._starts or self._ends or self._others)

    def entry(self, value: str) -> str | None:
        """The entry that a value meets, by its lower case and without spaces around it."""
        text = value.strip().lower()
        if text in self._exact:
            return text
        if not text.strip("0-. {}"):
            return ZEROS
        if not self._has_stars:
            return None
        if text.endswith(self._any_end):
            return "*" + next(end for end in self._ends if text.endswith(end))
        if text.startswith(self._any_start):
            return next(start for start in self._starts if text.startswith(start)) + "*"
        return next((entry for entry, parts in self._others if _meets(text, parts)), None)


@lru_cache(maxsize=256)  # one for each kind there is
def blocked_list(entries: frozenset[str]) -> Blocked:
    """The Blocked of these entries, made once."""
    return Blocked(entries)


def _meets(text: str, parts: list[str]) -> bool:
    """Whether the parts follow each other in a text, from its start to its end."""
    first, *middle, last = parts
    if not text.startswith(first) or not text[len(first) :].endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
