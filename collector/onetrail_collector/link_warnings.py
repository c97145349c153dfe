"""What a sender is told of a link that joins nobody: never a thing that another device has done.

That an address is shared, or is another customer's, is what others have done with it: a stranger
who types it must not learn it. It is told to a source's server alone, which came with its secret.
A device itself learns only what it did itself: that it used too many values of a kind.
"""

from collections.abc import Mapping
from typing import NamedTuple

from onetrail_collector.identity.groups import values_allowed
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.policy import Policy
from onetrail_collector.wire.envelope import Event, EventWarning, Receipt

LIMIT = "limit"


class Linked(NamedTuple):
    """A link that a commit writes, and the answer that may tell of it."""

    receipt: Receipt
    event: Event
    trusted: bool
    profile_id: int
    key: Key


def warning(
    linked: Linked, reason: str, own_values: Mapping[str, int], policy: Policy
) -> EventWarning | None:
    """What to tell; `own_values` says how many values of each kind this profile ID has used."""
    kind = policy.kinds.get(linked.key.kind)
    if not linked.trusted:
        allowed = 0 if kind is None else values_allowed(kind)
        if reason != LIMIT or own_values.get(linked.key.kind, 0) <= allowed:
            return None
    event = linked.event
    return EventWarning(
        event.index,
        event.id,
        "link_refused",
        f"events[{event.index}]: its {linked.key.kind} joins nobody: {reason}; "
        "the operator sees it at GET /identity/conflicts",
    )
