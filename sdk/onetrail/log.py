"""The one logger, `onetrail`. No handlers; it names counts, codes and files, never payloads."""

from __future__ import annotations

import logging

logger = logging.getLogger("onetrail")
