"""The picture of a profile: its devices and keys, and the links between them; JSON or Graphviz."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response

from onetrail_collector.api.identity_views import unmoved
from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.identity.graph import Graph, Line, Node, to_dot
from onetrail_collector.store.identity_rows import DecisionMade, Evidence, Member

GRAPHVIZ = "text/vnd.graphviz"  # as registered with IANA
DEFAULT_NODES = 200
MAX_NODES = 2000
LINKS_A_NODE = 5  # a device has a few keys: at most so many links are shown for each node allowed

DECIDED: dict[str, Literal["join", "part"]] = {"join": "join", "part": "part"}


class GraphAsked(msgspec.Struct):
    """At most `limit` devices, the oldest first, and five times as many links."""

    profile_id: str
    limit: Annotated[int, Meta(ge=1, le=MAX_NODES)] = DEFAULT_NODES
    format: Literal["json", "dot"] = "json"


class NodeView(msgspec.Struct):
    """A device or a key. `own`: it belongs to this profile; a shared key belongs to none."""

    id: str
    type: Literal["profile_id", "key"]
    kind: str | None
    value: str
    own: bool


class LineView(msgspec.Struct, rename={"from_": "from"}):
    """A link from a device to a key, or what an operator decided about two devices."""

    from_: str
    to: str
    type: Literal["link", "join", "part"]
    time: str
    refused: str | None = None
    event_id: str | None = None
    source: str | None = None
    made_by: str | None = None
    reason: str | None = None


class LeftOut(msgspec.Struct):
    """How many of the profile's devices and links are not in the answer."""

    profile_ids: int
    links: int


class GraphView(msgspec.Struct):
    """A profile's devices and keys, and what connects or divides them."""

    profile: str
    nodes: list[NodeView]
    links: list[LineView]
    left_out: LeftOut


async def graph(call: Call[GraphAsked, Nothing]) -> GraphView | Response:
    """A profile's devices and keys and the links between them; `format=dot` as Graphviz text."""
    view = await unmoved(call.store, (call.asked.profile_id,), lambda found: _graph(call, found[0]))
    if call.asked.format == "dot":
        return Response(to_dot(_picture(view)), media_type=GRAPHVIZ)
    return view


OPERATIONS = (
    Operation(
        "GET",
        "/profiles/{profile_id}/graph",
        graph,
        "read",
        GraphView,
        GraphAsked,
        or_media_type=GRAPHVIZ,
    ),
)


async def _graph(call: Call[GraphAsked, Nothing], member: Member) -> GraphView:
    reads, limit = call.store.identity, call.asked.limit
    members = await reads.members_of(member.profile, limit=limit)
    shown = {one.id for one in members}
    links = [
        link
        for link in await reads.evidence_of(member.profile, limit=limit * LINKS_A_NODE)
        if link.place.profile_id in shown
    ]
    foreign = await reads.foreign_evidence(member.profile, limit=limit)
    made = await reads.decisions_within([member.profile], limit=limit)
    totals = await reads.extent(member.profile)
    return GraphView(
        profile=members[0].public_id,
        nodes=_nodes(members, [*links, *foreign], made, member.profile),
        links=[*map(_link, [*links, *foreign]), *_decided(made)],
        left_out=LeftOut(totals.profile_ids - len(members), totals.links - len(links)),
    )


def _nodes(
    members: Iterable[Member],
    links: Iterable[Evidence],
    made: Iterable[DecisionMade],
    profile: int,
) -> list[NodeView]:
    """Each once, the profile's own devices first."""
    nodes = {
        one.public_id: NodeView(one.public_id, "profile_id", None, one.public_id, own=True)
        for one in members
    }
    for link in links:
        device = link.profile_id
        own = link.profile == profile
        nodes.setdefault(device, NodeView(device, "profile_id", None, device, own))
        name = _key_id(link)
        held = link.key_profile == profile
        nodes.setdefault(name, NodeView(name, "key", link.key.kind, link.key.value, held))
    for row in made:
        if row.what in DECIDED:
            for end in filter(None, (row.profile_id, row.other)):
                nodes.setdefault(end, NodeView(end, "profile_id", None, end, own=False))
    return list(nodes.values())


def _link(link: Evidence) -> LineView:
    return LineView(
        link.profile_id,
        _key_id(link),
        "link",
        to_rfc3339(link.time_ms),
        refused=link.refused,
        event_id=link.event_id,
        source=link.source,
    )


def _decided(made: Sequence[DecisionMade]) -> list[LineView]:
    return [
        LineView(
            row.profile_id,
            row.other,
            DECIDED[row.what],
            to_rfc3339(row.made_ms),
            made_by=row.made_by,
            reason=row.reason,
        )
        for row in made
        if row.what in DECIDED and row.profile_id and row.other
    ]


def _key_id(link: Evidence) -> str:
    return f"{link.key.kind}:{link.key.value}"


def _picture(view: GraphView) -> Graph:
    left_out = {"devices": view.left_out.profile_ids, "links": view.left_out.links}
    return Graph(
        view.profile,
        [Node(node.id, node.kind or "profile_id", node.value, node.own) for node in view.nodes],
        [
            Line(line.from_, line.to, line.type, line.reason or line.time[:10], line.refused)
            for line in view.links
        ],
        [f"{count} more {name} are not shown" for name, count in left_out.items() if count],
    )
