"""Traits are facts about a profile; the newest evidence wins, and an empty value is no evidence."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Trait(NamedTuple):
    """One fact, as one profile ID's newest event states it; `value` is JSON text.

    A statement that is to hold only where nothing else is known has the negative of its time: the
    first of such wins over later ones, and any other wins over it, whatever the order.
    """

    profile_id: int
    name: str
    value: str
    time_ms: int
    event_id: str


def find_traits(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The traits that an identify event states; null, empty texts and names with a NUL are none."""
    traits = properties.get("traits")
    if not isinstance(traits, Mapping):
        return {}
    return {
        name: value
        for name, value in traits.items()
        if value is not None and value != "" and "\0" not in name
    }


def newest(traits: Iterable[Trait]) -> dict[str, Trait]:
    """A profile's value of each trait: the latest by (event time, event id), whoever stated it."""
    winners: dict[str, Trait] = {}
    for trait in traits:
        rival = winners.get(trait.name)
        if rival is None or _age(trait) > _age(rival):
            winners[trait.name] = trait
    return winners


def _age(trait: Trait) -> tuple[int, str]:
    return (trait.time_ms, trait.event_id)
