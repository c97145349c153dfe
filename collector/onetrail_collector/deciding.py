"""What an operator does to profiles: join, part, refuse, undo; each can be tried before it is done.

A decision and all that follows from it are one transaction. A preview runs the same and takes it
back, so that it cannot say anything else than what would happen.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from onetrail_collector.effects import Effect, effect_of
from onetrail_collector.identity.decisions import Decision, Join, Part, RefuseLink
from onetrail_collector.identity.policy import Policy
from onetrail_collector.regions import Settled
from onetrail_collector.regrouping import Cause
from onetrail_collector.resolution import reconsider
from onetrail_collector.store.protocol import IdentityTransaction, Store, StoreTransaction
from onetrail_collector.store.rows import Change


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision changed, or would change.

    numbers: of the decisions made or undone, in their order; those of a preview are not kept. A
    decision that was in force already keeps its number.
    changes: rows of history: which profiles merged or split, which links were refused or accepted.
    void: the decisions, new or old, without effect because a newer one says the opposite.
    whole: False where so much is concerned that the rest is done in the background.
    effect: the same, seen from outside.
    """

    numbers: Sequence[int]
    changes: Sequence[Change]
    void: Sequence[Decision]
    whole: bool
    effect: Effect


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

    Those made at once are one act, and undone at once. One that is in force already, and not
    overruled by a newer one, is not made again. The profile IDs, and the link of a RefuseLink, must
    exist; a key may be one never seen before.
    """
    settled = Settled()
    numbers = []
    new: list[Decision] = []
    act: int | None = None
    async with _transaction(store, dry_run=dry_run) as transaction:
        tables = transaction.identity
        for decision in decisions:
            number = await _holds(tables, decision)
            if number is None:
                number = await tables.add_decision(
                    decision, act=act, reason=reason, made_by=made_by, now_ms=now_ms
                )
                act = act or number
                new.append(decision)
            numbers.append(number)
        await _follow(
            tables, new, policy, settled, cause=Cause(decision=act, kind="decision"), now_ms=now_ms
        )
        effect = await effect_of(store.identity, transaction.identity_reads, settled.changes, new)
    return _outcome(numbers, settled, effect)


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
    """Let a decision, and what was decided at once with it, hold no more; None where it did not."""
    settled = Settled()
    async with _transaction(store, dry_run=dry_run) as transaction:
        tables = transaction.identity
        rows = await tables.act(number)
        if not rows:
            return None
        undone = [row.decision for row in rows]
        await tables.undo_act(number, reason=reason, undone_by=undone_by, now_ms=now_ms)
        await _follow(
            tables,
            undone,
            policy,
            settled,
            cause=Cause(decision=rows[0].id, kind="undo"),
            now_ms=now_ms,
        )
        effect = await effect_of(
            store.identity, transaction.identity_reads, settled.changes, undone
        )
    return _outcome([row.id for row in rows], settled, effect)


async def _holds(tables: IdentityTransaction, decision: Decision) -> int | None:
    """The number under which it is in force, unless a newer decision says the opposite."""
    number = await tables.in_force(decision)
    if number is None or not isinstance(decision, (Join, Part)):
        return number
    profiles = await tables.profiles([decision.profile_id, decision.other])
    together = len(set(profiles.values())) == 1
    return number if together == isinstance(decision, Join) else None


async def _follow(  # noqa: PLR0913 - likewise
    tables: IdentityTransaction,
    decisions: Iterable[Decision],
    policy: Policy,
    settled: Settled,
    *,
    cause: Cause,
    now_ms: int,
) -> None:
    """Resolve what decisions, made or undone at once, concern."""
    profile_ids: set[int] = set()
    keys: list[int] = []
    for decision in decisions:
        if isinstance(decision, (Join, Part)):
            profile_ids |= {decision.profile_id, decision.other}
        elif isinstance(decision, RefuseLink):
            profile_ids.add(decision.profile_id)
        else:
            keys.append(await tables.key(decision.key))
    if profile_ids or keys:
        await reconsider(tables, profile_ids, keys, policy, settled, cause=cause, now_ms=now_ms)


class _TakeBackError(Exception):
    """Ends a preview's transaction without a commit."""


@asynccontextmanager
async def _transaction(store: Store, *, dry_run: bool) -> AsyncIterator[StoreTransaction]:
    with suppress(_TakeBackError):
        async with store.transaction() as transaction:
            yield transaction
            if dry_run:
                raise _TakeBackError


def _outcome(numbers: Sequence[int], settled: Settled, effect: Effect) -> Outcome:
    void = [
        decision for at, decision in enumerate(settled.void) if decision not in settled.void[:at]
    ]
    return Outcome(numbers, settled.changes, void, settled.whole, effect)
