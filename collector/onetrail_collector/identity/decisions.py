"""What an operator decides about who is who: links of their own, considered before all evidence.

Decisions are given in the order in which they were made; where two contradict each other, the
newer one holds. One that was undone is simply not among them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from onetrail_collector.identity.keys import Key


@dataclass(frozen=True, slots=True)
class Join:
    """These two profile IDs are one person.

    It is considered before every link, so an exclusive kind cannot prevent it: where the two hold
    two customer numbers, the link considered first keeps its place and the other is refused.
    """

    profile_id: int
    other: int


@dataclass(frozen=True, slots=True)
class Part:
    """These two profile IDs are never one person: a link that would make them one is refused."""

    profile_id: int
    other: int


@dataclass(frozen=True, slots=True)
class RefuseLink:
    """That this profile ID used this key says nothing about who it is."""

    profile_id: int
    key: Key


@dataclass(frozen=True, slots=True)
class RefuseKey:
    """This key joins nobody, whoever uses it, now or later."""

    key: Key


Decision = Join | Part | RefuseLink | RefuseKey


def named_in(decisions: Iterable[Decision]) -> set[int]:
    """The profile IDs that decisions are about."""
    named = set()
    for decision in decisions:
        if isinstance(decision, Join | Part):
            named |= {decision.profile_id, decision.other}
        elif isinstance(decision, RefuseLink):
            named.add(decision.profile_id)
    return named
