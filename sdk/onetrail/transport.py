"""How a request reaches the collector. httpx is loaded when the first one is sent, not before.

TransportError
└── raised by every transport when there was no whole answer; the events stay
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from onetrail._version import __version__
from onetrail.late import new_client
from onetrail.watchdog import Watchdog

if TYPE_CHECKING:
    import httpx

    from onetrail.settings import Settings


# Not httpx's own user agent: that one is on the lists of crawlers.
_PLAIN = {"Content-Type": "application/json", "User-Agent": f"onetrail-python/{__version__}"}
_GZIPPED = {**_PLAIN, "Content-Encoding": "gzip"}


class TransportError(Exception):
    """No whole answer came: no connection, a time-out, a reset, an answer that was cut off."""


class Answer(NamedTuple):
    """What the collector said."""

    status: int
    body: bytes
    retry_after_s: float
    """What the collector asked for in Retry-After; 0 when it did not."""


class Transport(Protocol):
    """Anything that can carry a request; `onetrail.testing.RecordingTransport` is another."""

    def send(self, body: bytes, *, gzipped: bool) -> Answer:
        """Carries one body to POST /track. Raises TransportError when no whole answer came."""
        ...

    def close(self) -> None:
        """Lets connections go; a later send() opens them again."""
        ...


class HttpTransport:
    """Sends with httpx over one kept connection. Used by one thread at a time."""

    def __init__(self, collector_url: str, settings: Settings) -> None:
        self._url = f"{collector_url.rstrip('/')}/track"
        self._settings = settings
        self._client: httpx.Client | None = None
        self._pid = 0

    def send(self, body: bytes, *, gzipped: bool) -> Answer:
        """Carries one body to POST /track."""
        if self._client is None or self._pid != os.getpid():
            # A forked child shares the parent's socket, and perhaps a lock: it must use neither.
            self._connect()
        import httpx  # noqa: PLC0415  whole by now

        client, headers = self._client, _GZIPPED if gzipped else _PLAIN
        assert client is not None  # noqa: S101  narrows the type
        self._watchdog.arm()
        try:
            response = client.post(self._url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransportError(f"{type(error).__name__}: {error}") from error
        except Exception as error:
            if self._client is not None:  # not the watchdog's doing
                raise
            raise TransportError("the answer took too long") from error
        finally:
            self._watchdog.disarm()
        retry_after_s = _seconds(response.headers.get("Retry-After", ""))
        return Answer(response.status_code, response.content, retry_after_s)

    def _connect(self) -> None:
        s = self._settings
        self._client = new_client(
            connect_timeout_s=s.connect_timeout_s, read_timeout_s=s.read_timeout_s
        )
        self._watchdog = Watchdog(s.connect_timeout_s + s.read_timeout_s, self.close)
        self._pid = os.getpid()

    def close(self) -> None:
        """Lets the connection go."""
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()


def _seconds(retry_after: str) -> float:
    """Retry-After in seconds; its form with a date, never sent by our collector, counts as 0."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        return 0.0
