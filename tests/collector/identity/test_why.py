"""The best chain between two profile IDs: fewest refusals, then shortest; always a real one."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.why import REASONS, Edge, Hop, Use, best_chain, sentence

NODES = range(7)


@st.composite
def graphs(draw: st.DrawFn) -> list[Edge[int]]:
    """Graphs of few nodes, so that there are several chains, or none."""
    pairs = st.sampled_from(list(itertools.combinations(NODES, 2)))
    drawn = draw(st.lists(st.tuples(pairs, st.booleans()), max_size=14))
    return [Edge(*pair, number, refused) for number, (pair, refused) in enumerate(drawn)]


def cheapest(start: int, goal: int, edges: list[Edge[int]]) -> tuple[int, int] | None:
    """The slow and obvious version (Bellman, Ford): relax each edge as often as there are nodes."""
    cost = {start: (0, 0)}
    for _ in NODES:
        for one, other, _, refused in edges:
            for here, there in ((one, other), (other, one)):
                if here in cost:
                    reached = (cost[here][0] + refused, cost[here][1] + 1)
                    cost[there] = min(cost.get(there, reached), reached)
    return cost.get(goal)


@given(graphs(), st.sampled_from(NODES), st.sampled_from(NODES))
def test_a_chain_is_as_cheap_as_any_and_leads_from_one_to_the_other(
    edges: list[Edge[int]], start: int, goal: int
) -> None:
    chain = best_chain(start, goal, edges)
    cost = cheapest(start, goal, edges)
    if chain is None:
        assert cost is None
        return
    assert (sum(edge.refused for edge in chain), len(chain)) == cost
    here = start
    for edge in chain:
        assert edge.one == here
        assert {edge.one, edge.other} == set(edges[edge.number][:2])
        here = edge.other
    assert here == goal


def test_of_two_chains_as_good_the_one_with_the_earlier_evidence_is_told() -> None:
    edges = [Edge(1, 2, 10), Edge(2, 3, 11), Edge(1, 4, 12), Edge(4, 3, 13)]
    chain = best_chain(1, 3, edges)
    assert chain is not None
    assert [edge.number for edge in chain] == [10, 11]


def test_a_chain_of_ten_thousand_is_found() -> None:
    edges = [Edge(node, node + 1, node) for node in range(10_000)]
    chain = best_chain(10_000, 0, edges)
    assert chain is not None
    assert len(chain) == 10_000


def use(profile_id: str, refused: str | None = None) -> Use:
    return Use(profile_id, "web", "2026-01-01", refused)


def test_a_chain_is_told_in_words() -> None:
    email = Key("email", "ann@shop.test")
    said = sentence(
        [
            Hop(use("a"), use("b"), email),
            Hop(use("b"), use("c"), None, made_by="ann", reason="she called"),
        ]
    )
    assert said == (
        "both used email ann@shop.test: a on 2026-01-01 in web, b on 2026-01-01 in web; "
        "b and c were joined by ann on 2026-01-01: she called"
    )


def test_a_refusal_says_why() -> None:
    said = sentence([Hop(use("a"), use("b", "shared"), Key("phone", "+41"))])
    assert said.endswith(f"; but it does not join them: {REASONS['shared']}")
