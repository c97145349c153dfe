"""Fixtures of the tests in a real browser."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fixtures import (  # noqa: F401  # the path to it is set above
    chromium,
    collector,
    collector_process,
    context,
    gate,
    page,
    site,
)
