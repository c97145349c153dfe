"""An IoT-style loop that loses its network for a third of its time, and loses no reading.

    python examples/iot_loop.py http://127.0.0.1:8000 300

The network is a `Modem`: a small relay between the device and the collector that can be switched
off, with all its connections, as a real one that leaves the area of its mast.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

from onetrail import Settings, Tracker


def main() -> None:
    options = _options()
    count = options.count
    modem = Modem(options.collector)
    quick = Settings(send_interval_s=0.05, backoff_cap_s=0.5)
    tracker = Tracker(
        modem.url,
        source=options.source,
        app_name="meter",
        data_dir=options.data_dir,
        settings=quick,
    )
    with modem, tracker:
        for number in range(count):
            if number == count // 3:
                modem.off()
                print(f"reading {number}: network lost")
            if number == 2 * count // 3:
                modem.on()
                print(f"reading {number}: network back")
            tracker.track("reading", number=number, celsius=20 + number % 7 / 10)
            time.sleep(options.interval_s)
        left = tracker.flush(timeout_s=20)
        print(f"{count} readings, {left} not sent yet")


class Modem:
    """Relays connections to the collector while it is on."""

    def __init__(self, collector_url: str) -> None:
        target = urlsplit(collector_url)
        self._target = (target.hostname or "127.0.0.1", target.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_on = True
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.off()

    def on(self) -> None:
        """The mast is in sight again."""
        self._is_on = True

    def off(self) -> None:
        """Cuts every connection and lets none up."""
        self._is_on = False
        for end in self._open:
            _cut(end)
        self._open.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: the loop is over
            while True:
                near, _ = self._listener.accept()
                if not self._is_on:
                    _cut(near)
                    continue
                far = socket.create_connection(self._target)
                self._open += [near, far]
                threading.Thread(target=_relay, args=(near, far), daemon=True).start()
                threading.Thread(target=_relay, args=(far, near), daemon=True).start()


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _cut(source)
    _cut(sink)


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A meter on a bad network.")
    parser.add_argument("collector", help="URL of the collector")
    parser.add_argument("count", type=int, help="how many readings to take")
    parser.add_argument("--interval-s", type=float, default=0.01)
    parser.add_argument("--source", default="demo")
    parser.add_argument("--data-dir", help="default: the platform's user data folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
