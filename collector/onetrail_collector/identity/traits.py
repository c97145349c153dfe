"""Traits are facts about a profile; the newest evidence wins, and an empty value is no evidence.

Values are chosen, never combined: numbers are not added up. The trait `consent`, and those under
`consent.`, follow one more rule: a denial stands until a strictly later event grants it again, so
where a grant and a denial have the same time, the denial wins. An object `consent` is taken apart,
so that a later word on one purpose takes back no denial of another.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

DENIALS = frozenset({"false", "0", '"false"', '"denied"', '"deny"', '"no"', '"off"', '"0"'})
"""JSON texts, in lower case, by which a consent is denied."""


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
    consent = traits.get("consent")
    if isinstance(consent, Mapping):
        traits = {name: value for name, value in traits.items() if name != "consent"} | {
            f"consent.{purpose}": value for purpose, value in consent.items()
        }
    return {
        name: value
        for name, value in traits.items()
        if value is not None and value != "" and "\0" not in name
    }


def newest(traits: Iterable[Trait]) -> dict[str, Trait]:
    """A profile's value of each trait: the latest by (event time, event id), whoever stated it.

    All others have lost; they are among `traits` still, to be shown.
    """
    winners: dict[str, Trait] = {}
    for trait in traits:
        rival = winners.get(trait.name)
        if rival is None or _age(trait) > _age(rival):
            winners[trait.name] = trait
    return winners


def is_consent(name: str) -> bool:
    """Whether a trait says what the person allows."""
    return name == "consent" or name.startswith("consent.")


def _age(trait: Trait) -> tuple[int, bool, str, str]:
    denied = is_consent(trait.name) and trait.value.lower() in DENIALS
    return (trait.time_ms, denied, trait.event_id, trait.value)
