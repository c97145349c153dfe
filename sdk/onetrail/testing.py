"""For the tests of apps that use onetrail: no network, a clock that is told, and what was tracked.

    def test_export_is_tracked(recorded):
        app = App(tracker=recorded.tracker)
        app.export()
        assert recorded.types() == ["document-exported"]

`recorded` is a pytest fixture: put `from onetrail.testing import recorded` into conftest.py.
"""

from __future__ import annotations

import gzip
import json
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from onetrail.parts import Wiring
from onetrail.settings import Settings
from onetrail.tracker import Tracker
from onetrail.transport import Answer, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FakeClock", "Recorded", "RecordingTransport", "recorded", "recording"]


class FakeClock:
    """A clock that stands still until it is told. Thread-safe enough for tests."""

    def __init__(self, wall_ms: int = 1_800_000_000_000, boot: str = "boot-1") -> None:
        self.boot = boot
        self._wall_ms = wall_ms
        self._mono_ms = 1_000_000

    def wall_ms(self) -> int:
        """Milliseconds since 1970, as the device believes."""
        return self._wall_ms

    def mono_ms(self) -> int:
        """Milliseconds since some moment of this boot."""
        return self._mono_ms

    def advance(self, seconds: float) -> None:
        """Time passes, on both clocks."""
        self._wall_ms += round(seconds * 1000)
        self._mono_ms += round(seconds * 1000)

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock; no time passes."""
        self._wall_ms += round(seconds * 1000)

    def reboot(self, boot: str) -> None:
        """The device starts again: the monotonic clock begins anew."""
        self.boot, self._mono_ms = boot, 0


class RecordingTransport:
    """Takes every request and answers 200 with one profile ID, while it is not `down`."""

    def __init__(self, profile_id: str = "00000000-0000-4000-8000-000000000001") -> None:
        self.profile_id = profile_id
        self.down = False
        self.requests: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def send(self, body: bytes, *, gzipped: bool) -> Answer:
        """Keeps the request. Raises TransportError while `down`."""
        if self.down:
            raise TransportError("down, as the test asked")
        with self._lock:
            self.requests.append(json.loads(gzip.decompress(body) if gzipped else body))
        return Answer(200, json.dumps({"profile": {"id": self.profile_id}}).encode(), 0.0)

    def close(self) -> None:
        """Nothing to let go."""

    def events(self) -> list[dict[str, Any]]:
        """Every event received, in order."""
        with self._lock:
            return [event for request in self.requests for event in request["events"]]


class Recorded:
    """A strict tracker, and what it has tracked."""

    def __init__(self, tracker: Tracker, transport: RecordingTransport, clock: FakeClock) -> None:
        self.tracker = tracker
        self.transport = transport
        self.clock = clock

    def events(self) -> list[dict[str, Any]]:
        """Everything tracked so far, as the collector would get it."""
        self.tracker.flush()
        return self.transport.events()

    def types(self) -> list[str]:
        """The types of everything tracked so far."""
        return [event["type"] for event in self.events()]


@contextmanager
def recording() -> Iterator[Recorded]:
    """A tracker that records into memory, for as long as the block lasts."""
    transport, clock = RecordingTransport(), FakeClock()
    with (
        tempfile.TemporaryDirectory(prefix="onetrail-") as folder,
        Tracker(
            "http://collector.invalid",
            source="test",
            data_dir=folder,
            strict=True,
            settings=Settings(send_interval_s=0.0),
            wiring=Wiring(clock=clock, transport=transport),
        ) as tracker,
    ):
        yield Recorded(tracker, transport, clock)


def _fixture() -> Any:
    """`recording` as a pytest fixture, where there is a pytest."""
    try:
        import pytest  # noqa: PLC0415  no dependency of the SDK
    except ImportError:  # pragma: no cover
        return None

    @pytest.fixture(name="recorded")
    def fixture() -> Iterator[Recorded]:
        with recording() as made:
            yield made

    return fixture


recorded = _fixture()
