"""Which pages are looked at and where people come from: counted a moment after the commit.

To find them an event's properties must be read, which the way in has no time for. So a follower
reads behind it, in steps that take a tenth of the time at most, and keeps its place in the commit
of what it has counted: after a crash it goes on there, and counts nothing twice.
"""

import asyncio
import logging
import math
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from onetrail_collector.bell import Bell
from onetrail_collector.clock import Clock
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import PageView, Tally

STEP_EVENTS = 500  # a few ms of the event loop: who reads meanwhile waits no longer than that
PAUSE_S = 1.0  # between looks at what has come in
REST_SHARE = 9  # a step is followed by a rest nine times as long
FAULT_PAUSE_S = 30.0
TIDY_S = 3_600.0
MAX_LABEL_CHARS = 300
MINUTE_MS = 60_000

_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)([^?#]*)")  # RFC 3986, appendix B

log = logging.getLogger("onetrail_collector")


class _Page(msgspec.Struct):
    url: str = ""
    referrer: str | None = None


_page = msgspec.json.Decoder(_Page)


def tally(views: Iterable[PageView]) -> list[Tally]:
    """How often each page was looked at, and each other site led to one; by minute and source."""
    seen: Counter[tuple[str, int, int, str]] = Counter()
    for view in views:
        minute = max(view.time_ms, 0) // MINUTE_MS
        try:
            page = _page.decode(view.properties)
            site, path = _place(page.url)
            referrer, _ = _place(page.referrer or "")
            host, came_from = _host(site), _host(referrer)
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue  # a stranger's event may hold anything under these names
        if host:
            seen["pages", minute, view.source, _label(site + path)] += 1
        if came_from and came_from != host:
            seen["referrers", minute, view.source, _label(came_from)] += 1
    return [
        (name, at * MINUTE_MS, source, label, n) for (name, at, source, label), n in seen.items()
    ]


def _place(url: str) -> tuple[str, str]:
    """Where a URL says that it is, and the path there; urlsplit would cost five times as much."""
    found = _URL.match(url)
    return ("", "") if found is None else (found[1], found[2])


@lru_cache(maxsize=1024)
def _host(site: str) -> str:
    """Of `user@Shop.Example:80` the name shop.example. Raises ValueError."""
    return urlsplit(f"//{site}").hostname or ""


def _label(text: str) -> str:
    return text.replace("\0", "")[:MAX_LABEL_CHARS]


class PageCounts:
    """Follows what is committed; start it, and close it."""

    def __init__(self, store: Store, committed: Bell, clock: Clock) -> None:
        self._store = store
        self._committed = committed
        self._clock = clock
        self._tidied_s = -math.inf

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._run(), name="onetrail-page-counts")

    async def close(self) -> None:
        """Stop; the next start goes on where this one was."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
                await self._committed.wait(TIDY_S)
                await asyncio.sleep(PAUSE_S)
            except (sqlite3.Error, ValueError) as error:  # disk full, file locked; closed
                log.warning("page counts wait: %s", error)
                await asyncio.sleep(FAULT_PAUSE_S)

    async def _follow(self) -> None:
        """Count until nothing is left."""
        whole = True
        while whole:
            began_s = time.monotonic()
            page_views = await self._store.read_page_views(limit=STEP_EVENTS)
            if page_views.last > page_views.first:
                await self._store.add_page_counts(tally(page_views.views), page_views.last)
            whole = page_views.last - page_views.first >= STEP_EVENTS
            if began_s - self._tidied_s > TIDY_S:
                self._tidied_s = began_s
                await self._tidy()
            await _rest(began_s if whole else time.monotonic())

    async def _tidy(self) -> None:
        await self._store.tidy(self._clock())
        began_s = time.monotonic()
        while await self._store.sum_up_month(self._clock()):  # after years without it, many
            await _rest(began_s)
            began_s = time.monotonic()


async def _rest(since_s: float) -> None:
    await asyncio.sleep(REST_SHARE * (time.monotonic() - since_s))
