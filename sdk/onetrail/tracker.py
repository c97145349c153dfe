"""The tracker: what an app calls. It records and returns; a background thread does the sending."""

from __future__ import annotations

import atexit
import json
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from onetrail import values
from onetrail.clock import Clock, SystemClock
from onetrail.context import device_context
from onetrail.holder import Holder, StateFile
from onetrail.ids import EventIds, new_id
from onetrail.lease import Lease
from onetrail.sender import Sender, deadline
from onetrail.settings import Settings
from onetrail.store import Session, Store
from onetrail.transport import HttpTransport, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from os import PathLike

_POLL_S = 0.005


class Wiring(NamedTuple):
    """Parts that tests replace; an app leaves them alone."""

    clock: Clock | None = None
    transport: Transport | None = None
    new_id: Callable[[], str] = new_id
    event_id: Callable[[int], str] | None = None
    context: Mapping[str, Any] | None = None


class Tracker:
    """Records events of one app for one collector. Thread-safe; one per app is the usual number.

    A tracked event is committed to a SQLite file before track() returns, and leaves it only when
    the collector has acknowledged it: it survives a crash of the app, kill -9 and a dead network.

    Args:
        collector_url: where the collector is, such as "https://trail.example.com".
        source: the source's public id, as registered with `onetrail-collector sources add`.
        app_name: names the app in the context and its folder; two apps never share an outbox or
            profile ID.
        app_version: the app's version, for the context.
        data_dir: where outbox and state file are kept; the platform's user data folder when not
            given.
        settings: everything else that can be tuned.
        wiring: parts that tests replace.
    """

    def __init__(  # noqa: PLR0913  the options, all by keyword
        self,
        collector_url: str,
        *,
        source: str,
        app_name: str | None = None,
        app_version: str | None = None,
        data_dir: str | PathLike[str] | None = None,
        settings: Settings | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        wiring = wiring or Wiring()
        self._settings = settings or Settings()
        self._clock = wiring.clock or SystemClock()
        self._new_id = wiring.new_id
        self._event_id = wiring.event_id or EventIds().next
        context = wiring.context or device_context(app_name, app_version)
        self._context = json.dumps(context, separators=(",", ":"))
        folder = Path(data_dir) if data_dir is not None else _user_folder(app_name or source)
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._closed = False
        self._state = StateFile(folder / "state.json")
        self._holder = self._state.load()
        self._store = Store(str(folder / "outbox.db"))
        self._session = self._begin_session(self._new_id())
        self._sender = Sender(
            self._store,
            wiring.transport or HttpTransport(collector_url, self._settings),
            Lease(str(folder / "outbox.lease")),
            source=source,
            settings=self._settings,
            clock=self._clock,
            on_profile=self._keep_profile,
        )
        _close_at_exit(self)
        if self._store.last_number():
            self._sender.wake()

    @property
    def session_id(self) -> str:
        """The session that events are tracked under now."""
        return self._session_id

    @property
    def profile_id(self) -> str | None:
        """The profile ID of this installation; None until the collector has answered once."""
        return self._holder.profile_id

    def track(
        self, event_type: str, properties: Mapping[str, Any] | None = None, /, **more: Any
    ) -> None:
        """Records an event. It is on disk when this returns; never waits for the network.

        Args:
            event_type: what happened, such as "page-view".
            properties: facts about it, as one mapping (for names that are no Python identifiers).
            more: facts about it, as keywords; they win over `properties`.

        Raises:
            TypeError: the type is not text, or the properties are no mapping.
            ValueError: the type is empty.
        """
        self._record(event_type, {**properties, **more} if properties else more, None)

    def track_at(
        self,
        when: datetime,
        event_type: str,
        properties: Mapping[str, Any] | None = None,
        /,
        **more: Any,
    ) -> None:
        """Records an event that happened at another time: an import, a replay. Else as track().

        Raises:
            ValueError: `when` has no time zone.
        """
        if when.tzinfo is None:
            raise ValueError(f"{when} has no time zone; an event's time must be unmistakable")
        self._record(event_type, {**(properties or {}), **more}, round(when.timestamp() * 1000))

    def identify(
        self,
        *,
        email: str | None = None,
        phone: str | None = None,
        user_id: str | int | None = None,
        traits: Mapping[str, Any] | None = None,
    ) -> None:
        """Says who uses this installation, as an event of type "identify".

        Each of e-mail, phone and user ID is a merging key: profiles that share one become one
        profile.

        Raises:
            ValueError: nothing was given.
        """
        keys = {
            "email": email,
            "phone": phone,
            "user_id": None if user_id is None else str(user_id),
        }
        given: dict[str, Any] = {name: value for name, value in keys.items() if value is not None}
        if traits is not None:
            given["traits"] = dict(traits)
        if not given:
            raise ValueError("identify() needs at least one of email, phone, user_id, traits")
        self.track("identify", given)

    def new_session(self, session_id: str | None = None) -> None:
        """Begins a new session; the profile ID stays. `session_id` is for imports."""
        with self._lock:
            self._session = self._begin_session(session_id or self._new_id())

    def reset(self) -> None:
        """Sign-out: the next events belong to someone else, in a new session with a new profile ID.

        Events from before keep their session and their profile ID, sent or not.
        """
        with self._lock:
            self._holder = self._state.save(Holder(self._new_id(), None))
            self._session = self._begin_session(self._new_id())

    def flush(self, *, timeout_s: float = 10.0) -> int:
        """Waits until all events tracked so far are acknowledged, at most `timeout_s` seconds.

        Returns how many of them are still waiting; they stay on disk and go on being sent. Right
        while other threads track.
        """
        return self._flush(timeout_s, give_up_on_failure=False)

    def close(self, *, timeout_s: float | None = None) -> int:
        """Flushes for at most `timeout_s` seconds (settings.exit_timeout_s) and ends the thread.

        Gives up at once when the collector cannot be reached. Returns how many events stay on
        disk; the next start sends them. A second call does nothing.
        """
        with self._lock:
            if self._closed:
                return 0
            self._closed = True
        limit_s = self._settings.exit_timeout_s if timeout_s is None else timeout_s
        left_s = deadline(limit_s)
        left = self._flush(limit_s, give_up_on_failure=True)
        self._sender.stop(max(0.0, min(left_s(), 0.2)))
        self._store.close()
        return left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, event_type: str, properties: Mapping[str, Any], wall_ms: int | None) -> None:
        if not isinstance(event_type, str):
            raise TypeError(
                f"the event type is {event_type!r}; it must be a text such as 'page-view'"
            )
        if not event_type:
            raise ValueError("the event type is empty; it must be a text such as 'page-view'")
        text = values.encode(properties).text
        with self._lock:
            now_ms = self._clock.wall_ms()
            mono_ms = self._clock.mono_ms()
            if wall_ms is not None:  # as if it had been read from both clocks then
                mono_ms -= now_ms - wall_ms
            event_id = self._event_id(now_ms)
            happened_ms = now_ms if wall_ms is None else wall_ms
            self._store.append((self._session, event_id, event_type, happened_ms, mono_ms, text))
        self._sender.wake()

    def _begin_session(self, session_id: str) -> int:
        self._session_id = session_id
        return self._store.begin_session(
            Session(session_id, self._holder.id, self._clock.boot, self._context)
        )

    def _keep_profile(self, holder_id: str, profile_id: str) -> None:
        with self._lock:
            if holder_id == self._holder.id:  # else its holder has signed out meanwhile
                self._holder = self._state.save(Holder(holder_id, profile_id))

    def _flush(self, timeout_s: float, *, give_up_on_failure: bool) -> int:
        left_s = deadline(timeout_s)
        last = self._store.last_number()
        while left := self._store.waiting(last):
            if left_s() <= 0 or (give_up_on_failure and self._sender.gave_up_for_now.is_set()):
                break
            self._sender.wake(hurry=True)
            time.sleep(_POLL_S)
        return left


def _user_folder(name: str) -> Path:
    import platformdirs  # noqa: PLC0415  needed only without data_dir

    return Path(platformdirs.user_data_dir("onetrail", appauthor=False)) / _safe(name)


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def _close_at_exit(tracker: Tracker) -> None:
    reference = weakref.ref(tracker)

    def close() -> None:
        if (alive := reference()) is not None:
            alive.close()

    atexit.register(close)
