"""The tracker: what an app calls. It records and returns; a background thread does the sending."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Self

from onetrail import lifecycle, recorder
from onetrail.flushing import flush
from onetrail.log import logger
from onetrail.outbox.rows import Event
from onetrail.parts import Wiring, assemble
from onetrail.sender import deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from os import PathLike

    from onetrail.settings import Durability, Settings


class Tracker:
    """Records events of one app for one collector. Thread-safe; one per app is the usual number.

    A tracked event is committed to a SQLite file before track() returns, and leaves it only when
    the collector has acknowledged it: it survives a crash of the app, kill -9 and a dead network.

    Args:
        collector_url: where the collector is, such as "https://trail.example.com".
        source: the source's public id, as registered with `onetrail-collector sources add`.
        app_name: names the app in the context and its folder; two apps never share an outbox.
        app_version: the app's version, for the context.
        data_dir: where outbox and state are kept; else the platform's user data folder.
        durability: "process" survives a crash of the app, "power" also a power cut (an fsync per
            event), "grouped" commits once per settings.group_interval_s and may lose that much.
        before_send: called with each event's {"type", "properties"}; returns it, changed or not,
            or None to drop it. If it raises, the event is dropped.
        strict: for tests: values that cannot be kept as they are raise ValueError.
        settings: everything else that can be tuned.
        wiring: parts that tests replace.

    Raises:
        ValueError: durability is none of the three.
    """

    def __init__(  # noqa: PLR0913  the options, all by keyword
        self,
        collector_url: str,
        *,
        source: str,
        app_name: str | None = None,
        app_version: str | None = None,
        data_dir: str | PathLike[str] | None = None,
        durability: Durability = "process",
        before_send: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None,
        strict: bool = False,
        settings: Settings | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        parts = assemble(
            collector_url,
            source=source,
            app_name=app_name,
            app_version=app_version,
            data_dir=data_dir,
            durability=durability,
            settings=settings,
            wiring=wiring or Wiring(),
            on_profile=self._keep_profile,
            tend=self._tend,
        )
        self._settings = parts.settings
        self._clock = parts.clock
        self._outbox = parts.outbox
        self._sender = parts.sender
        self._tally = parts.tally
        self._event_id = parts.event_id
        self._renew_ids = parts.renew_ids
        self._strict = strict
        self._recorder = recorder.Recorder(
            before_send=before_send, strict=strict, tally=parts.tally
        )
        # Reentrant: a log handler of the app may track what we log.
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._closed = False
        self._gathered = 0  # events since a request was last known to be full
        self._consent = parts.consent
        self._presence = parts.presence
        lifecycle.watch(self)
        if self._outbox.any_waiting(self._outbox.mark()):
            self._sender.wake()

    @property
    def session_id(self) -> str:
        """The session that events are tracked under now."""
        return self._presence.session.id

    @property
    def profile_id(self) -> str | None:
        """The profile ID of this installation; None until the collector has answered once."""
        return self._presence.profile_id

    def track(
        self, event_type: str, properties: Mapping[str, Any] | None = None, /, **more: Any
    ) -> None:
        """Records an event. It is on disk when this returns; never waits for the network.

        Args:
            event_type: what happened, such as "page-view".
            properties: facts about it, as one mapping (for names that are no Python identifiers).
            more: facts about it, as keywords; they win over `properties`.

        Raises:
            TypeError: the type is no text, or the properties are no mapping.
            ValueError: the type is empty, longer than 128 characters or not printable.
        """
        self._record(event_type, recorder.merged(properties, more), None)

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
        when_ms = recorder.unmistakable_ms(when)
        self._record(event_type, recorder.merged(properties, more), when_ms)

    def identify(
        self,
        *,
        email: str | None = None,
        phone: str | None = None,
        user_id: str | int | None = None,
        traits: Mapping[str, Any] | None = None,
        signature: str | Mapping[str, str] | None = None,
    ) -> None:
        """Says who uses this installation, as an event of type "identify".

        E-mail, phone and user ID are merging keys: profiles that share one become one profile.
        `signature` is your server's proof of them, where the source demands one: a text, or one
        for each, as {"email": "...", "user_id": "..."}.

        Raises:
            ValueError: nothing was given.
        """
        given = recorder.keys_and_traits(email, phone, user_id, traits, signature)
        self._record("identify", given, None)

    def new_session(self, session_id: str | None = None) -> None:
        """Begins a new session; the profile ID stays. `session_id` is for imports.

        Raises:
            ValueError: the ID is longer than 128 characters or not printable.
        """
        recorder.check_name("session ID", session_id or "")
        with self._lock:
            self._presence.new_session(session_id)

    def reset(self) -> None:
        """Sign-out: the next events are someone else's, in a new session with a new profile ID.

        Events from before keep their session and their profile ID, sent or not.
        """
        with self._lock:
            self._presence.new_holder()

    def opt_out(self) -> None:
        """The person objects: forgets every waiting event and the profile ID, and records nothing.

        Kept across starts, until opt_in().
        """
        with self._lock:
            self._consent.withdraw()
            self._outbox.purge()
            self._presence.new_holder()

    def opt_in(self) -> None:
        """The person agrees; outweighs an earlier opt_out() and DO_NOT_TRACK."""
        with self._lock:
            self._consent.give()

    @property
    def is_recording(self) -> bool:
        """Whether events are recorded: not after opt_out(), nor under DO_NOT_TRACK=1."""
        return self._consent.given

    def flush(self, *, timeout_s: float = 10.0) -> int:
        """Waits until all events tracked so far are acknowledged, at most `timeout_s` seconds.

        Returns how many of them are still waiting; they stay on disk and go on being sent. Right
        while other threads track.
        """
        return flush(self._outbox, self._sender, timeout_s, give_up_on_failure=False)

    def close(self, *, timeout_s: float | None = None) -> int:
        """Flushes for at most `timeout_s` seconds (settings.exit_timeout_s) and ends the thread.

        Gives up at once when the collector cannot be reached. Returns how many events stay on
        disk: the next start sends them, as it does events that are tracked after this. A second
        call does nothing.
        """
        with self._lock:
            if self._closed:
                return 0
            self._closed = True
        limit_s = self._settings.exit_timeout_s if timeout_s is None else timeout_s
        left_s = deadline(limit_s)
        left = flush(self._outbox, self._sender, limit_s, give_up_on_failure=True)
        self._sender.stop(max(0.0, min(left_s(), 0.2)))
        self._outbox.close()
        return left

    def requeue(self) -> int:
        """Sends again what the collector had refused and was set aside; returns how many."""
        count = self._outbox.requeue()
        self._sender.wake()
        return count

    def counts(self) -> dict[str, int]:
        """What was delivered, changed, set aside, refused and lost by this tracker, by name."""
        lost = {f"lost:{reason}": count for reason, count in self._outbox.lost().items()}
        return self._tally.read() | lost

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, event_type: str, properties: Mapping[str, Any], when_ms: int | None) -> None:
        recorded = self._recorder.record(event_type, properties)
        if recorded is None or not self._consent.given:
            return
        try:
            self._keep(*recorded, when_ms)
        except Exception:
            # Nothing that may go wrong here is worth a crash of the app.
            if self._strict:
                raise
            self._tally.add("dropped:internal_error")
            logger.exception("an event could not be kept")

    def _keep(self, event_type: str, text: str, when_ms: int | None) -> None:
        if os.getpid() != self._pid:
            self._forked_unseen()
        clock = self._clock
        with self._lock:
            wall_ms, mono_ms = clock.wall_ms(), clock.mono_ms()
            event_id = self._event_id(wall_ms)
            self._presence.active(mono_ms)
            ago_ms = 0 if when_ms is None else wall_ms - when_ms
            event = Event(event_id, event_type, wall_ms, mono_ms, ago_ms, text)
            self._outbox.append(self._presence.session, event)
            full = self._gathered + 1 >= self._settings.batch_events
            self._gathered = 0 if full else self._gathered + 1
        self._sender.wake(full=full)

    def _tend(self, *, in_touch: bool) -> None:
        """The sender's thread, after each round."""
        self._outbox.tend()
        self._consent.refresh()
        if in_touch and (lost := self._outbox.unreported()):
            self._record("events-lost", lost, None)

    def _keep_profile(self, holder_id: str, profile_id: str) -> None:
        with self._lock:
            self._presence.keep_profile(holder_id, profile_id)

    def _before_fork(self) -> None:
        self._lock.acquire()
        self._sender.before_fork()
        self._outbox.before_fork()
        self._tally.before_fork()

    def _after_fork(self, *, in_child: bool) -> None:
        self._tally.after_fork()
        self._outbox.after_fork(in_child=in_child)
        self._sender.after_fork(in_child=in_child)
        self._lock.release()
        self._pid = os.getpid()
        if in_child:
            self._renew_ids()

    def _forked_unseen(self) -> None:
        """A child of a fork that Python's hooks did not see: begins anew, touches nothing old."""
        self._lock = threading.RLock()
        self._outbox.abandon()
        self._sender.abandon()
        self._tally.abandon()
        self._renew_ids()
        self._pid = os.getpid()
