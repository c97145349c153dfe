"""The one logger, `onetrail`. No handlers; it names counts, codes and files, never payloads."""

from __future__ import annotations

import logging

logger = logging.getLogger("onetrail")
SENDER_THREAD = "onetrail-sender"


def hush_httpx() -> None:
    """Keeps httpx's line for each of our requests out of the app's log; the app's own stay."""
    logging.getLogger("httpx").addFilter(_is_not_ours)


def _is_not_ours(record: logging.LogRecord) -> bool:
    return record.threadName != SENDER_THREAD
