"""Profiles found while somebody types: by the beginning of an ID, a key or a trait's word."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.identity.keys import InvalidValue, Key
from onetrail_collector.identity.policy import Policy

MOST = 20


class SearchAsked(msgspec.Struct):
    """The beginning of a profile ID, a key or a trait's word; a whole session or event ID."""

    q: Annotated[str, Meta(min_length=2, max_length=100)]


class FoundView(msgspec.Struct):
    """A profile, and the key's kind, the trait or the sort of ID, with the value that was found."""

    profile: str
    name: str
    value: str


class SearchView(msgspec.Struct):
    """At most 20; IDs and keys first. `exact`: keys are hashed: only whole ones are found."""

    found: list[FoundView]
    exact: bool


async def search(call: Call[SearchAsked, Nothing]) -> SearchView:
    """Profiles by the beginning of a profile ID, a key, or a word of a trait; by an event's ID.

    Of a trait that is a text, its first twelve words are where a beginning is looked for.
    """
    policy, text = call.settings.policy, call.asked.q.strip()
    rows = await call.store.search(_prefixes(policy, text), text, limit=MOST)
    return SearchView([FoundView(*row) for row in rows], exact=policy.hasher is not None)


OPERATIONS = (Operation("GET", "/profiles/search", search, "read", SearchView, SearchAsked),)


def _prefixes(policy: Policy, text: str) -> list[Key]:
    """The text as the beginning of a key of each kind, in the spelling that is stored."""
    if policy.hasher is not None:
        return [key for name in policy.kinds for key in _whole(policy, name, text)]
    spelt = {"email": text.lower(), "phone": re.sub(r"[\s()./-]", "", text)}
    return [Key(kind.name, spelt.get(kind.normaliser, text)) for kind in policy.kinds.values()]


def _whole(policy: Policy, name: str, text: str) -> list[Key]:
    try:
        return policy.keys(name, text)
    except InvalidValue:
        return []
