"""What each client's program does, step by step, as its standard input tells it.

python segment_python.py URL WRITE_KEY USER_ID DEVICE
"""

import sys
from collections.abc import Callable

URL, KEY, USER, DEVICE = sys.argv[1:5]
ANONYMOUS = f"{KEY}-device-{DEVICE}"
EMAIL = f"Ann.{KEY}@Shop.test"
TRAITS = {"1": {"name": "Ann", "plan": "pro"}, "2": {"plan": "team"}}[DEVICE]


def play(
    track: Callable[[str], object], identify: Callable[[], object], flush: Callable[[], object]
) -> None:
    """Take part in the scenario; `track` and `identify` only queue, `flush` waits for answers."""
    for line in sys.stdin:
        step = line.strip()
        if step == "begin":
            track("viewed")
            track("viewed")
            flush()
            identify()
            track("bought")
            flush()
        elif step == "down":
            track("waited")
        elif step == "up":
            track("returned")
            flush()
        sys.stdout.write(line)
        sys.stdout.flush()
