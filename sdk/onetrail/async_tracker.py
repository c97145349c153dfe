"""The tracker for asyncio: the same core; only what waits is a coroutine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from onetrail.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class AsyncTracker:
    """Wraps a Tracker: `async with AsyncTracker(url, source="demo") as t: t.track("page-view")`.

    Takes the options of Tracker. track() is no coroutine: it costs one commit to a local file,
    some ten microseconds, and never waits for the network.
    """

    def __init__(self, collector_url: str, *, source: str, **options: Any) -> None:
        self.sync = Tracker(collector_url, source=source, **options)

    @property
    def session_id(self) -> str:
        """The session that events are tracked under now."""
        return self.sync.session_id

    @property
    def profile_id(self) -> str | None:
        """The profile ID of this installation; None until the collector has answered once."""
        return self.sync.profile_id

    def track(
        self, event_type: str, properties: Mapping[str, Any] | None = None, /, **more: Any
    ) -> None:
        """Records an event; as Tracker.track()."""
        self.sync.track(event_type, properties, **more)

    def track_at(
        self,
        when: datetime,
        event_type: str,
        properties: Mapping[str, Any] | None = None,
        /,
        **more: Any,
    ) -> None:
        """Records an event that happened at another time; as Tracker.track_at()."""
        self.sync.track_at(when, event_type, properties, **more)

    def identify(
        self,
        *,
        email: str | None = None,
        phone: str | None = None,
        user_id: str | int | None = None,
        traits: Mapping[str, Any] | None = None,
        signature: str | Mapping[str, str] | None = None,
    ) -> None:
        """Says who uses this installation; as Tracker.identify()."""
        self.sync.identify(
            email=email, phone=phone, user_id=user_id, traits=traits, signature=signature
        )

    def new_session(self, session_id: str | None = None) -> None:
        """Begins a new session; as Tracker.new_session()."""
        self.sync.new_session(session_id)

    def reset(self) -> None:
        """Sign-out; as Tracker.reset()."""
        self.sync.reset()

    @property
    def is_recording(self) -> bool:
        """Whether events are recorded; as Tracker.is_recording."""
        return self.sync.is_recording

    def opt_out(self) -> None:
        """The person objects; as Tracker.opt_out()."""
        self.sync.opt_out()

    def opt_in(self) -> None:
        """The person agrees; as Tracker.opt_in()."""
        self.sync.opt_in()

    def requeue(self) -> int:
        """Sends again what was set aside; as Tracker.requeue()."""
        return self.sync.requeue()

    def counts(self) -> dict[str, int]:
        """What was delivered, changed, set aside, refused and lost; as Tracker.counts()."""
        return self.sync.counts()

    async def flush(self, *, timeout_s: float = 10.0) -> int:
        """Waits as Tracker.flush() does, without holding the event loop."""
        return await asyncio.to_thread(self.sync.flush, timeout_s=timeout_s)

    async def close(self, *, timeout_s: float | None = None) -> int:
        """Closes as Tracker.close() does, without holding the event loop."""
        return await asyncio.to_thread(self.sync.close, timeout_s=timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
