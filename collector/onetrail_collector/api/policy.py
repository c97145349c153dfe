"""The identity policy in force: which keys join people, how far, and where they are found."""

import msgspec

from onetrail_collector.api.operation import Call, Nothing, Operation


class KindView(msgspec.Struct):
    """A kind of key; docs/identity.md says what each field means. blocked: how many entries."""

    name: str
    normaliser: str
    exclusive: bool
    priority: int
    max_profile_ids: int
    max_values: int
    blocked: int


class PointView(msgspec.Struct):
    """Where in events of a type a key of a kind is found."""

    event_type: str
    property: str
    kind: str


class PolicyView(msgspec.Struct):
    """The kinds by priority, the identification points, and how keys are stored."""

    kinds: list[KindView]
    points: list[PointView]
    phone_region: str | None
    hash_keys: bool


async def policy(call: Call[Nothing, Nothing]) -> PolicyView:
    """The identity policy in force."""
    held = call.settings.policy
    kinds = [
        KindView(
            kind.name,
            kind.normaliser,
            kind.exclusive,
            kind.priority,
            kind.max_profile_ids,
            1 if kind.exclusive else kind.max_values,
            len(kind.blocked),
        )
        for kind in sorted(held.kinds.values(), key=lambda kind: (kind.priority, kind.name))
    ]
    points = [
        PointView(point.event_type, point.property, point.kind)
        for of_a_type in held.points.values()
        for point in of_a_type
    ]
    return PolicyView(kinds, points, held.phone_region, held.hasher is not None)


OPERATIONS = (Operation("GET", "/identity/policy", policy, "read", PolicyView),)
