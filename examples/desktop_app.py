"""A desktop-style app: opens, is used, learns who its user is, and quits.

    python examples/desktop_app.py http://127.0.0.1:8000

Quitting takes at most a second, also when the collector is down: what was not sent by then is on
disk, and the next start sends it.
"""

from __future__ import annotations

import argparse

from onetrail import Tracker


def main() -> None:
    options = _options()
    with Tracker(
        options.collector,
        source=options.source,
        app_name="notes",
        app_version="1.4.2",
        data_dir=options.data_dir,
    ) as tracker:
        print(f"session {tracker.session_id}")
        tracker.track("app-opened")
        tracker.track("document-opened", pages=12, template="letter")
        tracker.identify(email="ann@shop.test", traits={"name": "Ann", "plan": "pro"})
        tracker.track("document-exported", format="pdf", seconds=0.8)
        left = tracker.flush(timeout_s=5)
        print(f"profile {tracker.profile_id}")
        print(f"4 events, {left} not sent yet")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A desktop-style app that is tracked.")
    parser.add_argument("collector", help="URL of the collector")
    parser.add_argument("--source", default="demo")
    parser.add_argument("--data-dir", help="default: the platform's user data folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
