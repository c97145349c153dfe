"""Traits are facts about a profile; the newest evidence wins, and an empty value is no evidence.

Values are chosen, never combined: numbers are not added up. The trait `consent`, and those under
`consent.`, follow one more rule: a denial stands until a strictly later event grants it again, so
where a grant and a denial have the same time, the denial wins. An object in it is taken apart, at
each level, into a trait for each part (`consent.marketing.email`), so that a later word on one
takes back no denial of another. A word on a part says nothing of the whole. A denial of the whole
denies each part, until that or the whole is granted later; a grant of the whole takes back no
denial of a part, which is granted again by its own name.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

DENIALS = frozenset({"false", "0", '"false"', '"denied"', '"deny"', '"no"', '"off"', '"0"'})
"""JSON texts, in lower case, by which a consent is denied."""

MAX_CONSENT_LEVELS = 8
MAX_CONSENT_NAME_CHARS = 128


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
    """The traits that an identify event states; null, empty texts and names with a NUL are none.

    A consent is taken apart at eight levels, and no further where a name has grown beyond 128
    characters: what is deeper is one value, whose newest wins.
    """
    traits = properties.get("traits")
    if not isinstance(traits, Mapping):
        return {}
    found: dict[str, Any] = {}
    for name, value in traits.items():
        for part, said in _parts(name, value) if is_consent(name) else [(name, value)]:
            if part in found and is_consent(part) and _is_denial(json.dumps(found[part])):
                continue  # two spellings of one name: a dot, and an object
            if said is not None and said != "" and "\0" not in part:
                found[part] = said
    return found


def _parts(name: str, value: Any, level: int = 0) -> Iterator[tuple[str, Any]]:
    """A consent, or each part of an object of consents, under a name of its own."""
    if (
        not isinstance(value, Mapping)
        or level == MAX_CONSENT_LEVELS
        or len(name) > MAX_CONSENT_NAME_CHARS
    ):
        yield name, value
        return
    for part, said in value.items():
        yield from _parts(f"{name}.{part}", said, level + 1)


def newest(traits: Iterable[Trait]) -> dict[str, Trait]:
    """A profile's value of each trait: the latest by (event time, event id), whoever stated it.

    All others have lost; they are among `traits` still, to be shown. Where a part of a consent is
    denied by a word on the whole, its value and evidence are those of that word.
    """
    winners: dict[str, Trait] = {}
    for trait in traits:
        rival = winners.get(trait.name)
        if rival is None or _age(trait) > _age(rival):
            winners[trait.name] = trait
    return winners | {
        name: denial._replace(name=name)
        for name, trait in winners.items()
        if is_consent(name) and (denial := _denial_of_whole(trait, winners)) is not None
    }


def _denial_of_whole(trait: Trait, winners: Mapping[str, Trait]) -> Trait | None:
    """The last word on what a consent is part of, where it denies it and the part's is no later."""
    if _is_denial(trait.value):
        return None
    parts = trait.name.split(".")
    wholes = [winners.get(".".join(parts[:count])) for count in range(1, len(parts))]
    denials = [
        whole
        for whole in wholes
        if whole is not None and _is_denial(whole.value) and whole.time_ms >= trait.time_ms
    ]
    return max(denials, key=_age, default=None)


def is_consent(name: str) -> bool:
    """Whether a trait says what the person allows."""
    return name == "consent" or name.startswith("consent.")


def _age(trait: Trait) -> tuple[int, bool, str, str]:
    denied = is_consent(trait.name) and _is_denial(trait.value)
    return (trait.time_ms, denied, trait.event_id, trait.value)


def _is_denial(value: str) -> bool:
    return value.lower() in DENIALS
