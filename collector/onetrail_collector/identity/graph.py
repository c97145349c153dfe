"""The picture of a profile: devices and keys, and the links between them, as Graphviz text.

Nodes that belong to the profile are drawn in full, those of others dashed; a link that joins is a
line, one that was refused a dotted red line with its reason.
(https://graphviz.org/doc/info/lang.html)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

LABEL_CHARS = 60  # a longer value is cut, in the middle of the picture nobody reads more


@dataclass(frozen=True, slots=True)
class Node:
    """A device (a profile ID) or a key; `id` is its name in the graph, `own` its membership."""

    id: str
    kind: str  # "profile_id", or the key's kind
    label: str
    own: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """What is between two nodes: a link, or an operator's join or part."""

    one: str
    other: str
    kind: str  # "link", "join" or "part"
    label: str = ""
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A profile's graph, or a part of it with the number of what is left out."""

    name: str
    nodes: Sequence[Node]
    lines: Sequence[Line]
    left_out: Sequence[str] = field(default=())  # in words


def to_dot(graph: Graph) -> str:
    """The graph in Graphviz's language; any text in it is quoted, so none can be mistaken."""
    return "\n".join(
        [
            f"graph {quote(graph.name)} {{",
            "  rankdir=LR;",
            '  node [fontname="sans-serif", fontsize=11, style=filled, fillcolor=white];',
            '  edge [fontname="sans-serif", fontsize=9];',
            *(f"  {line}" for line in _body(graph)),
            "}",
            "",
        ]
    )


def quote(text: str) -> str:
    r"""A quoted string: `"` and `\` are escaped, so that `\N` and the like stay as written."""
    visible = "".join(char if char.isprintable() else "\ufffd" for char in text)
    escaped = visible.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _body(graph: Graph) -> Iterator[str]:
    for node in graph.nodes:
        yield f"{quote(node.id)} [{_node_attributes(node)}];"
    for line in graph.lines:
        yield f"{quote(line.one)} -- {quote(line.other)} [{_line_attributes(line)}];"
    if graph.left_out:
        yield f"left_out [shape=plaintext, label={_label(graph.left_out)}];"


def _node_attributes(node: Node) -> str:
    device = node.kind == "profile_id"
    shape = "box" if device else "ellipse"
    style = "filled" if node.own else "filled,dashed"
    color = {True: "#dbeafe", False: "#fef3c7"}[device] if node.own else "#f3f4f6"
    words = [node.label] if device else [node.kind, node.label]
    return f'shape={shape}, style="{style}", fillcolor="{color}", label={_label(words)}'


def _line_attributes(line: Line) -> str:
    if line.kind == "part":
        return f'style=bold, color="#b91c1c", label={_label(["parted", line.label])}'
    if line.kind == "join":
        return f'style=bold, color="#15803d", label={_label(["joined", line.label])}'
    if line.refused is not None:
        return f'style=dotted, color="#b91c1c", label={_label([line.refused])}'
    return f"label={_label([line.label])}" if line.label else 'label=""'


def _label(words: Iterable[str]) -> str:
    r"""Lines of a label, centred by `\n`, which must not be escaped."""
    cut = (
        word if len(word) <= LABEL_CHARS else f"{word[: LABEL_CHARS - 1]}\u2026"
        for word in words
        if word
    )
    return '"' + "\\n".join(quote(word)[1:-1] for word in cut) + '"'
