"""Which blocked values were sent: the junk that would have made strangers one person."""

import msgspec

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.clock import to_rfc3339


class BlockedValueView(msgspec.Struct):
    """An entry of a kind's list of blocked values, and how often and when a value met it."""

    kind: str
    entry: str
    count: int
    first_seen: str
    last_seen: str


class BlockedValues(msgspec.Struct):
    """The entries that were met, the most frequent first."""

    blocked_values: list[BlockedValueView]


async def blocked_values(call: Call[Nothing, Nothing]) -> BlockedValues:
    """How often values were sent that link nobody, by the entry of the list that they met."""
    return BlockedValues(
        [
            BlockedValueView(
                row.kind,
                row.entry,
                row.times,
                to_rfc3339(row.first_seen_ms),
                to_rfc3339(row.last_seen_ms),
            )
            for row in await call.store.blocked_values()
        ]
    )


OPERATIONS = (Operation("GET", "/identity/blocked", blocked_values, "read", BlockedValues),)
