"""What retention and erasures ask of a store."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol

from onetrail_collector.store.rows import Erasure, EventAge, Leaving, Referred

Referrable = Literal["sessions", "contexts"]
"""Tables to whose rows events refer, and nothing else does."""


class RetentionStore(Protocol):
    """What retention reads and deletes; each deletion is one small commit."""

    async def position(self, source: int) -> int:
        """The event up to which all of a source's are gone."""

    async def count(self, source: int) -> int:
        """How many events of a source are kept."""

    async def oldest(self, after: int, limit: int) -> list[EventAge]:
        """The next events, of all sources, in the order of arrival."""

    async def forget(self, source: int, events: Sequence[int], position: int) -> int:
        """Delete these events and remember the position, in one commit; answers how many went."""

    async def referred(self, after: int, limit: int) -> Referred:
        """Which sessions and contexts the next events refer to."""

    async def leave(  # noqa: PLR0913, PLR0917 - one commit needs it all
        self,
        table: Referrable,
        after: int,
        limit: int,
        before_ms: int,
        seen_to: int,
        unused: Callable[[Iterable[int], Referred], list[int]],
    ) -> Leaving:
        """Delete those of the next rows that `unused` picks, told what came after `seen_to`.

        It is not asked about sessions that began at `before_ms` or later.
        """


class ErasureSteps(Protocol):
    """The steps of erasures, within one transaction.

    The first makes a profile unknown; the others, a few rows each, remove what is left of it.
    """

    async def begin(  # noqa: PLR0913 - a receipt says who, why and when
        self, profile: int, *, public_id: str, made_by: str, reason: str, now_ms: int, count_to: int
    ) -> tuple[Erasure, list[int]]:
        """Let no ID find a profile; suppress its profile IDs and the keys that nobody else uses.

        Its links, traits, own keys and refused events are removed at once. Also answers the profile
        IDs of others that shared a key with it, as far as that key is seen on at most `count_to`
        of them: who those are must be resolved again.
        """

    async def suppress_sessions(self, erasure: int, after: int) -> int | None:
        """Suppress some sessions after the number `after`, and let no id find them.

        Answers the number of the last; None at the end.
        """

    async def remove_events(self, erasure: int) -> int | None:
        """Remove some events; answers how many, None at the end."""

    async def remove_sessions(self, erasure: int) -> int | None:
        """Remove some sessions, when their events are gone; answers how many, None at the end."""

    async def end(self, erasure: int, used: Iterable[int], walked_to: int, *, now_ms: int) -> bool:
        """Remove the contexts that nobody else uses and the profile IDs, and call it done.

        `used` are the contexts that other events up to the number `walked_to` use. False, and
        nothing is done, where an event or a session came in the meantime.
        """

    async def lift(self, public_id: str, *, lifted_by: str, now_ms: int) -> bool:
        """Let the people of an erasure be stored again; False where it does not suppress them."""
