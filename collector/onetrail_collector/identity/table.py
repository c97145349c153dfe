"""A table of people, as a CRM exports it: each row says that its keys are one person's.

A column is named as a kind of key; the first tells rows apart, so a row without it is left out.
Another cell that is no key is left out alone, and the rest of its row counts.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from onetrail_collector.identity.blocked import Blocked, blocked_list
from onetrail_collector.identity.keys import InvalidValue, PlainKey, normaliser
from onetrail_collector.identity.policy import Policy


class InvalidHeader(ValueError):  # noqa: N818 - read by a person
    """The columns are not kinds of key; the message names what is wrong and the known kinds."""


class Row(NamedTuple):
    """One row: its line in the file, and its keys as they are stored, in the columns' order."""

    line: int
    keys: tuple[PlainKey, ...]


class Reject(NamedTuple):
    """A cell, or with no column a whole row, that is left out; `reason` repeats no value."""

    line: int
    column: str | None
    reason: str
    cells: Sequence[str]


class _Column(NamedTuple):
    kind: str
    blocked: Blocked
    normalise: Callable[[str], str]


class Table:
    """Reads rows of cells under one header."""

    def __init__(self, header: Sequence[str], policy: Policy) -> None:
        names = [name.strip() for name in header]
        _check(names, policy)
        self._policy = policy
        self._columns = [
            _Column(
                name,
                blocked_list(policy.kinds[name].blocked),
                normaliser(policy.kinds[name], policy.phone_region),
            )
            for name in names
        ]

    def read(self, lines: Iterable[tuple[int, list[str]]]) -> Iterator[Row | Reject]:
        """From (line, cells), each row with its keys, and whatever is left out."""
        columns, hashed = self._columns, self._policy.hasher is not None
        for line, cells in lines:
            if not cells:
                continue  # an empty line
            if len(cells) != len(columns):
                reason = f"has {len(cells)} cells; the header has {len(columns)}"
                yield Reject(line, None, reason, cells)
                continue
            keys = []
            for column, cell in zip(columns, cells, strict=True):
                if cell and not cell.isspace():
                    key = _key(column, cell)
                    if isinstance(key, str):
                        yield Reject(line, column.kind, key, cells)
                    else:
                        keys.append(self._policy.stored(key) if hashed else key)
                elif not keys:
                    yield Reject(line, column.kind, "is empty, but tells rows apart", cells)
                if not keys:
                    break
            else:
                yield Row(line, tuple(keys))


def _key(column: _Column, cell: str) -> PlainKey | str:
    """The key in a cell, in the clear; or why it is none."""
    kind, blocked, normalise = column
    try:
        normal = normalise(cell)
    except InvalidValue as error:
        return "is a value that many send" if blocked.entry(cell) else str(error)
    if blocked.entry(normal) or (normal != cell and blocked.entry(cell)):
        return "is a value that many send"
    return kind, normal


def _check(names: Sequence[str], policy: Policy) -> None:
    known = ", ".join(sorted(policy.kinds))
    if not names:
        raise InvalidHeader(f"the first line names no kind of key; known: {known}")
    for name in names:
        if name not in policy.kinds:
            close = difflib.get_close_matches(name, policy.kinds, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise InvalidHeader(
                f"column {name[:80]!r} is no kind of key; {hint}known: {known}; "
                "a kind of your own is a table [identity.kinds.NAME] in the file of --config"
            )
        if names.count(name) > 1:
            raise InvalidHeader(f"column {name!r} stands twice; a row holds one value of a kind")
