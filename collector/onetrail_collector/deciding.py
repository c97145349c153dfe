"""What an operator does to profiles: join, part, refuse, undo; each can be tried before it is done.

A decision and all that follows from it are one transaction. A preview runs the same and takes it
back, so that it cannot say anything else than what would happen.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from onetrail_collector.identity.decisions import Decision, Join, Part, RefuseLink
from onetrail_collector.identity.policy import Policy
from onetrail_collector.resolution import Settled, reconsider
from onetrail_collector.store.protocol import IdentityTransaction, Store
from onetrail_collector.store.rows import Change


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision changed, or would change.

    numbers: of the decisions made or undone, in their order; those of a preview are not kept.
    changes: rows of history: which profiles merged or split, which links were refused or accepted.
    void: the decisions, new or old, without effect because a newer one says the opposite.
    whole: False where so much is concerned that the rest is done in the background.
    """

    numbers: Sequence[int]
    changes: Sequence[Change]
    void: Sequence[Decision]
    whole: bool


async def decide(  # noqa: PLR0913 - who, why and when belong to a decision
    store: Store,
    decisions: Sequence[Decision],
    policy: Policy,
    *,
    reason: str,
    made_by: str,
    now_ms: int,
    dry_run: bool = False,
) -> Outcome:
    """Make decisions, all of them or none; with dry_run only say what would change.

    The profile IDs, and the link of a RefuseLink, must exist; a key may be one never seen before.
    """
    settled = Settled()
    numbers = []
    async with _transaction(store, dry_run=dry_run) as tables:
        for decision in decisions:
            number = await tables.add_decision(
                decision, reason=reason, made_by=made_by, now_ms=now_ms
            )
            await _follow(tables, decision, policy, settled, number=number, now_ms=now_ms)
            numbers.append(number)
    return _outcome(numbers, settled)


async def undo(  # noqa: PLR0913 - likewise
    store: Store,
    number: int,
    policy: Policy,
    *,
    reason: str,
    undone_by: str,
    now_ms: int,
    dry_run: bool = False,
) -> Outcome | None:
    """Let a decision hold no more; None where none of this number is in force."""
    settled = Settled()
    async with _transaction(store, dry_run=dry_run) as tables:
        row = await tables.decision(number)
        if row is None or row.undone_ms is not None:
            return None
        await tables.undo_decision(number, reason=reason, undone_by=undone_by, now_ms=now_ms)
        await _follow(tables, row.decision, policy, settled, number=number, now_ms=now_ms)
    return _outcome([number], settled)


async def _follow(  # noqa: PLR0913 - likewise
    tables: IdentityTransaction,
    decision: Decision,
    policy: Policy,
    settled: Settled,
    *,
    number: int,
    now_ms: int,
) -> None:
    """Resolve what a decision, made or undone, concerns."""
    profile_ids: list[int] = []
    keys: list[int] = []
    if isinstance(decision, (Join, Part)):
        profile_ids = [decision.profile_id, decision.other]
    elif isinstance(decision, RefuseLink):
        profile_ids = [decision.profile_id]
    else:
        keys = [await tables.key(decision.key)]
    await reconsider(tables, profile_ids, keys, policy, settled, decision=number, now_ms=now_ms)


class _TakeBackError(Exception):
    """Ends a preview's transaction without a commit."""


@asynccontextmanager
async def _transaction(store: Store, *, dry_run: bool) -> AsyncIterator[IdentityTransaction]:
    with suppress(_TakeBackError):
        async with store.transaction() as transaction:
            yield transaction.identity
            if dry_run:
                raise _TakeBackError


def _outcome(numbers: Sequence[int], settled: Settled) -> Outcome:
    void = [
        decision for at, decision in enumerate(settled.void) if decision not in settled.void[:at]
    ]
    return Outcome(numbers, settled.changes, void, settled.whole)
