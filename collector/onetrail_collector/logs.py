"""The log on stderr, for people or for programs: `text` or `json`, one line an entry.

An entry holds counts, names and codes: never a payload, a secret, or a query string.
"""

import json
import logging
from typing import Any, Literal

from onetrail_collector.buckets import Buckets
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.printable import printable

Format = Literal["text", "json"]

FAULTS_PER_S, FAULTS_BURST_S = 10, 10  # a fault under load must not fill the disk


def set_up(log_format: Format, level: str) -> None:
    """Write what is at least of this level to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Json() if log_format == "json" else _Text())
    handler.addFilter(FewFaults())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("onetrail_collector").setLevel(level.upper())


class FewFaults(logging.Filter):
    """Lets so many warnings and errors through, and says with the next how many it left out."""

    def __init__(self) -> None:
        super().__init__()
        self._buckets = Buckets(FAULTS_PER_S, FAULTS_BURST_S)
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is written."""
        if record.levelno < logging.WARNING:
            return True
        if self._buckets.take("", record.created):
            self._left_out += 1
            return False
        if self._left_out:
            record.fields = {**getattr(record, "fields", {}), "left_out": self._left_out}
            self._left_out = 0
        return True


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One JSON object (RFC 8259) in ASCII, in which no line break can stand."""
        entry: dict[str, Any] = {
            "time": to_rfc3339(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The message, then `name=value` in ASCII; nothing in either breaks a line."""
        fields = getattr(record, "fields", {})
        said = [f" {name}={json.dumps(value)}" for name, value in fields.items()]
        return printable(super().formatMessage(record)) + "".join(said)
