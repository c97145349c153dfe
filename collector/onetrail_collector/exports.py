"""The formats of an export: JSON lines, CSV, Parquet; each writes a page of rows at a time.

In JSON lines and CSV times are RFC 3339, in Parquet timestamps. What is JSON itself (properties,
context, traits) is an object in JSON lines, and JSON as text in the two others.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import IO, Any, Protocol

import msgspec

from onetrail_collector.clock import to_rfc3339

TIMES = {"time", "received", "sent_at", "client_time", "first_seen", "last_seen"}
JSON = {"properties", "context", "client"}
NUMBERS = {"events", "sessions"}


class NotInstalled(Exception):  # noqa: N818 - read by a person
    """A format needs a package that is not there; the message says how to install it."""


class Writer(Protocol):
    """Writes rows, then what comes after the last."""

    def write(self, rows: Sequence[Any]) -> None:
        """Some more rows, all of one kind of NamedTuple."""

    def close(self) -> None:
        """All rows were written; the file itself stays open."""


class JsonLines:
    """One JSON object a line."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, rows: Sequence[Any]) -> None:
        """Some more rows."""
        self._file.write(msgspec.json.Encoder().encode_lines(_objects(rows, _raw)))

    def close(self) -> None:
        """Nothing comes after the last line."""


class Csv:
    """RFC 4180, with a line of names; lists and objects as JSON."""

    def __init__(self, file: IO[bytes], names: Sequence[str]) -> None:
        self._file = file
        self._names = names
        self._text = io.StringIO(newline="")
        self._csv = csv.writer(self._text)
        self._csv.writerow(names)

    def write(self, rows: Sequence[Any]) -> None:
        """Some more rows."""
        self._csv.writerows(map(_flat, row.values()) for row in _objects(rows, str))
        self._flush()

    def close(self) -> None:
        """Where there were no rows, the names alone."""
        self._flush()

    def _flush(self) -> None:
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()


class Parquet:
    """Apache Parquet, zstd, a row group a page. Raises NotInstalled."""

    def __init__(self, file: IO[bytes], names: Sequence[str]) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra; 170 MB, and half a second
            import pyarrow.parquet  # noqa: PLC0415
        except ImportError:
            raise NotInstalled(
                "Parquet needs pyarrow: pip install 'onetrail[collector,parquet]'"
            ) from None
        self._pa = pa
        self._schema = pa.schema([(name, _parquet_type(pa, name)) for name in names])
        self._writer = pa.parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, rows: Sequence[Any]) -> None:
        """Some more rows."""
        if not rows:
            return
        columns = [
            self._pa.array([_stored(field.name, value) for value in column], field.type)
            for field, column in zip(self._schema, zip(*rows, strict=True), strict=True)
        ]
        self._writer.write_table(self._pa.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Write the footer, without which the file is none."""
        self._writer.close()


def _objects(rows: Sequence[Any], as_json: Callable[[str], Any]) -> Iterator[dict[str, Any]]:
    """Rows by name, with times as text; `as_json` makes what is JSON text what the format wants."""
    if not rows:
        return
    names = rows[0]._fields
    makers: dict[str, Callable[[Any], Any]] = {
        **dict.fromkeys(TIMES, _time),
        **dict.fromkeys(JSON, as_json),
        "keys": lambda keys: [{"kind": kind, "value": value} for kind, value in keys],
        "traits": lambda traits: {name: _raw(value) for name, value in traits.items()},
    }
    made_by = [makers.get(name) for name in names]
    for row in rows:
        yield {
            name: value if make is None or value is None else make(value)
            for name, make, value in zip(names, made_by, row, strict=True)
        }


_time = lru_cache(maxsize=10_000)(to_rfc3339)  # a batch's events share two of their four


def _raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _flat(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, (list, dict)) else value


def _stored(name: str, value: Any) -> Any:
    """A value as Parquet stores it."""
    if name == "keys":
        return [{"kind": kind, "value": text} for kind, text in value]
    if name == "traits":
        return _flat({trait: msgspec.Raw(text.encode()) for trait, text in value.items()})
    return value


def _parquet_type(pa: Any, name: str) -> Any:
    if name in TIMES:
        return pa.timestamp("ms", tz="UTC")
    if name == "clamped":
        return pa.bool_()
    if name in NUMBERS:
        return pa.int64()
    if name in {"profile_ids", "sources"}:
        return pa.list_(pa.string())
    if name == "keys":
        key = [("kind", pa.string()), ("value", pa.string())]
        return pa.list_(pa.struct(key))
    return pa.string()
