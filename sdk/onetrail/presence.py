"""Who uses this installation, and in which session: what each event is tracked under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onetrail.holder import Holder
from onetrail.outbox.rows import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from onetrail.clock import Clock
    from onetrail.holder import StateFile
    from onetrail.outbox.outbox import Outbox


class Presence:
    """The holder and the session of now. Changed only under the tracker's lock."""

    def __init__(  # noqa: PLR0913  its collaborators, each used
        self,
        state: StateFile,
        outbox: Outbox,
        clock: Clock,
        *,
        context: str,
        session_timeout_s: float,
        new_id: Callable[[], str],
    ) -> None:
        self._state = state
        self._outbox = outbox
        self._clock = clock
        self._context = context
        self._timeout_ms = round(session_timeout_s * 1000)
        self._new_id = new_id
        self._holder = state.load()
        self._last_mono_ms = clock.mono_ms()
        self.session = self._begin(new_id())

    @property
    def profile_id(self) -> str | None:
        """The profile ID of the holder of now; None until the collector has answered once."""
        return self.profile_of(self._holder.id)

    def profile_of(self, holder_id: str) -> str | None:
        """The profile ID of this holder or an earlier one. Needs no lock."""
        holder = self._holder
        if holder.id == holder_id and holder.profile_id is not None:
            return holder.profile_id
        return self._outbox.profile_of(holder_id)

    def keep_profile(self, holder_id: str, profile_id: str) -> None:
        """The collector has issued a profile ID."""
        if holder_id == self._holder.id:  # else its holder has signed out meanwhile
            self._holder = self._state.save(Holder(holder_id, profile_id))

    def new_session(self, session_id: str | None = None) -> None:
        """The next events are of another session."""
        self.session = self._begin(session_id or self._new_id())

    def new_holder(self) -> None:
        """The next events are someone else's."""
        self._holder = self._state.save(Holder(self._new_id(), None))
        self.new_session()

    def active(self, mono_ms: int) -> None:
        """An event is tracked now; after too long a silence it begins a new session."""
        if not self._timeout_ms:
            return
        if mono_ms - self._last_mono_ms > self._timeout_ms:
            self.new_session()
        self._last_mono_ms = mono_ms

    def _begin(self, session_id: str) -> Session:
        return Session(session_id, self._holder.id, self._clock.boot, self._context)
