"""A table of people, as a CRM exports it: each row says that its keys are one person's.

A column is named as a kind of key; the first tells rows apart, so a row without it is left out.
Another cell that is no key is left out alone, and the rest of its row counts.
"""

import difflib
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from onetrail_collector.identity.blocked import Blocked, blocked_list
from onetrail_collector.identity.keys import InvalidValue, PlainKey, normaliser
from onetrail_collector.identity.policy import Policy

NOT_UTF8 = re.compile("[\udc80-\udcff\0]")
"""In a text read with errors="surrogateescape": a byte that is not UTF-8; or one of UTF-16."""
SAVE_AS_UTF8 = "is not UTF-8: save the table as UTF-8 (in Excel as 'CSV UTF-8') and import that"


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
    """Reads rows of cells under one header, of which the columns `ignored` are left out."""

    def __init__(
        self, header: Sequence[str], policy: Policy, ignored: Collection[str] = ()
    ) -> None:
        every = [name.strip() for name in header]
        for name in ignored:
            if name not in every:
                raise InvalidHeader(f"there is no column {name[:80]!r} to ignore")
        names = [name for name in every if name not in ignored]
        _check(names, policy)
        self._width = len(every)
        self._kept = [place for place, name in enumerate(every) if name not in ignored]
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
        width, kept = self._width, self._kept
        all_count = len(kept) == width
        for line, cells in lines:
            if not cells:
                continue  # an empty line
            if len(cells) != width:
                reason = f"has {len(cells)} cells; the header has {width}"
                yield Reject(line, None, reason + _about_quotes(cells), cells)
                continue
            keys = []
            counting = cells if all_count else [cells[place] for place in kept]
            for column, cell in zip(columns, counting, strict=True):
                if cell and not cell.isspace():
                    key = _key(column, cell)
                    if isinstance(key, str):
                        reason = SAVE_AS_UTF8 if NOT_UTF8.search(cell) else key
                        yield Reject(line, column.kind, reason + _about_quotes([cell]), cells)
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


def _about_quotes(cells: Sequence[str]) -> str:
    lines = 1 + sum(cell.count("\n") for cell in cells)
    return "" if lines == 1 else f"; it takes {lines} lines: is a quote in it not closed?"


def _check(names: Sequence[str], policy: Policy) -> None:
    known = ", ".join(sorted(policy.kinds))
    if not names:
        raise InvalidHeader(f"the first line names no kind of key; known: {known}")
    if any(map(NOT_UTF8.search, names)):
        raise InvalidHeader(f"the first line {SAVE_AS_UTF8}")
    close = {name: _closest(name, policy) for name in names if name not in policy.kinds}
    for name, kind in close.items():
        hint = f"did you mean {kind!r}? " if kind else ""
        others = " ".join(
            f"--ignore-column {shlex.quote(other)}" for other in close if other.isprintable()
        )
        raise InvalidHeader(
            f"column {name[:80]!r} is no kind of key; {hint}known: {known}; "
            "a kind of your own is a table [identity.kinds.NAME] in the file of --config; "
            f"to leave columns out: {others[:400]}"
        )
    for name in names:
        if names.count(name) > 1:
            raise InvalidHeader(f"column {name!r} stands twice; a row holds one value of a kind")


def _closest(name: str, policy: Policy) -> str | None:
    """The kind that is meant, whatever its case and punctuation, as E-Mail."""
    plain = {_plain(kind): kind for kind in policy.kinds}
    found = difflib.get_close_matches(_plain(name), plain, n=1)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
