"""What an import of links asks of a store."""

from typing import Any, Protocol

from onetrail_collector.identity.keys import Key
from onetrail_collector.store.rows import ImportedRows, KnownKey


class ImportTransaction(Protocol):
    """What an import of links needs, within one transaction."""

    async def source(self, *, now_ms: int) -> int:
        """The number of the source of imported links; it is disabled: nobody sends as it."""

    async def add_keys(self, keys: list[Any], *, source: int) -> dict[Key, KnownKey]:
        """Add keys; answers those that were there, which stay as they are.

        The list holds of each key its number, each one more than the one before, its kind, its
        value, and the profile that holds it or None.

        None is linked to an imported profile ID that is seen on more than 1,000.
        """

    async def highest_numbers(self) -> tuple[int, int]:
        """The highest profile ID and the highest key in use."""

    async def add(self, rows: ImportedRows) -> list[tuple[int, int]]:
        """Add all of it; answers the links, of those that might be there already, that were not."""
