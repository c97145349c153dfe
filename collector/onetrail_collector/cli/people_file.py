"""A table of people as a file: its encoding, what parts its cells, and a quote that is not closed.

It is UTF-8, or UTF-16 with its mark. What is no UTF-8 is read all the same: each cell with such
bytes is said by its line (identity/table.py), and the others count.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import IO

import click

DELIMITERS = ",;\t|"
END = "\x1e"  # a line of its own behind the last, unless that is within a quote


class PeopleFile:
    """Reads rows; `broken` says afterwards why it could not be read to its end, if so."""

    def __init__(self, raw: IO[bytes]) -> None:
        mark = raw.read(2)
        raw.seek(0)
        self._raw = raw
        self._utf16 = mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
        encoding, errors = ("utf-16", "strict") if self._utf16 else ("utf-8-sig", "surrogateescape")
        self._text = io.TextIOWrapper(raw, encoding, errors=errors, newline="")
        self.broken: str | None = None
        self._ended = False

    def bytes_read(self) -> int:
        """How far it is read."""
        return self._raw.tell()

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """Each row's first line and cells, the header first."""
        line = 1
        try:
            first = self._text.readline()
            delimiter = max(DELIMITERS, key=first.count)
            yield 1, next(csv.reader([first], delimiter=delimiter), [])
            reader = csv.reader(chain(self._text, self._end()), delimiter=delimiter)
            line = 2
            for cells in reader:
                if self._ended and cells and cells[-1].endswith(END):
                    if cells != [END]:
                        self.broken = _broken(line, "a quote is opened and never closed")
                    return
                yield line, cells
                line = reader.line_num + 2
        except csv.Error as error:
            self.broken = _broken(line, f"{error}; is a quote not closed?")
        except UnicodeError:
            if line == 1:
                raise click.ClickException("the file is neither UTF-16 nor UTF-8") from None
            self.broken = _broken(line, "it is not the UTF-16 that its first bytes say")

    def _end(self) -> Iterator[str]:
        self._ended = True
        yield END


def _broken(line: int, why: str) -> str:
    return f"line {line}: {why}. What stands before it is imported, and nothing from there on"
