"""Which policy the stored profiles follow: who stores links without a collector asks it first.

In the file `policy` is the one that was last applied to all, and `applying` one that is being
applied, or was by a process that died: then profiles follow partly the one and partly the other.
"""

from hashlib import sha256

from onetrail_collector.identity.policy import Policy
from onetrail_collector.store.protocol import IdentityTransaction, Store

MIXED = "mixed"
"""What applied_policy() answers while profiles follow more than one."""


class OtherPolicy(Exception):  # noqa: N818 - what it says, not that it is wrong
    """What is stored follows another policy, or is being made to: nothing was changed."""


def fingerprint(policy: Policy) -> str:
    """Equal for policies under which the same links make the same profiles."""
    kinds = [
        (
            *(kind.name, kind.exclusive, kind.priority, kind.max_profile_ids, kind.max_values),
            sorted(kind.blocked),
        )
        for _, kind in sorted(policy.kinds.items())
    ]
    return sha256(repr(kinds).encode()).hexdigest()


async def applied_policy(store: Store) -> str | None:
    """The fingerprint of the policy that all stored profiles follow; None: none was applied yet."""
    async with store.transaction() as transaction:
        applied, applying = await _states(transaction.identity)
    return applied if applying in {None, applied} else MIXED


async def begin_applying(tables: IdentityTransaction, policy: Policy) -> str | None:
    """All is resolved under this policy from now on; answers which was applied before.

    Where another was applied by half, none is until this one is applied to all.
    """
    own = fingerprint(policy)
    applied, applying = await _states(tables)
    if applying not in {None, own}:
        applied = MIXED
        await tables.set_state("policy", applied)
    await tables.set_state("applying", own)
    return applied


async def end_applying(tables: IdentityTransaction, policy: Policy, *, before: str | None) -> None:
    """All was resolved under this policy, unless another was applied in between."""
    await require(tables, policy)
    applied, _ = await _states(tables)
    if applied == before:
        await tables.set_state("policy", fingerprint(policy))
    await tables.set_state("applying", "")


async def require(tables: IdentityTransaction, policy: Policy) -> None:
    """Links may be stored and resolved under this policy now; else raises OtherPolicy.

    Where nothing is stored yet it becomes the applied one, so that a collector with another notices
    when it starts.
    """
    own = fingerprint(policy)
    applied, applying = await _states(tables)
    if (applying or applied or own) != own:
        raise OtherPolicy
    if (applying or applied) is None and await tables.last_numbers() == (0, 0):
        await tables.set_state("policy", own)


async def _states(tables: IdentityTransaction) -> tuple[str | None, str | None]:
    """The policy applied last, and the one that is being applied."""
    return await tables.state("policy"), await tables.state("applying") or None
