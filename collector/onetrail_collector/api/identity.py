"""Everything about who is who: the calls of the identity modules, as one table.

It comes before the profiles' own, whose GET /profiles/{profile_id} would take any word for an ID.
"""

from onetrail_collector.api import (
    identity_decisions,
    identity_graph,
    identity_history,
    identity_lists,
    identity_why,
    policy,
)

OPERATIONS = (
    *identity_history.OPERATIONS,
    *identity_why.OPERATIONS,
    *identity_graph.OPERATIONS,
    *identity_decisions.OPERATIONS,
    *identity_lists.OPERATIONS,
    *policy.OPERATIONS,
)
