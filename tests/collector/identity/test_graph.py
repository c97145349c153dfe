"""A graph as Graphviz text: whatever a value holds, Graphviz reads it back as that value."""

import json
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onetrail_collector.identity.graph import Graph, Line, Node, quote, to_dot

ODD = 'a"b\\N\\"; } x -> y [label=<b>] // "\n\\'


def test_every_kind_of_line_says_what_it_is() -> None:
    nodes = [Node("p1", "profile_id", "web"), Node("k1", "email", "a@b.ch"), Node("p2", "x", "y")]
    lines = [
        Line("p1", "k1", "link"),
        Line("p2", "k1", "link", refused="exclusive"),
        Line("p1", "p2", "join", "she called"),
        Line("p1", "p2", "part", "two people"),
    ]
    text = to_dot(Graph("g", nodes, lines, ("3 devices are not shown",)))
    for words in ("email\\na@b.ch", '"exclusive"', "joined\\nshe called", "parted\\ntwo people"):
        assert words in text
    assert "3 devices are not shown" in text


@given(st.text(max_size=30))
def test_a_quoted_text_ends_where_it_ends(text: str) -> None:
    quoted = quote(text)
    inside = quoted[1:-1].replace("\\\\", "")
    assert '"' not in inside.replace('\\"', "")
    assert quoted.isprintable()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed here")
@settings(max_examples=10, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=8, unique=True))
def test_graphviz_reads_back_what_was_written(texts: list[str]) -> None:
    printable = [f"{i}{text}".strip() for i, text in enumerate([ODD, *texts])]
    nodes = [Node(text, "email", text) for text in printable]
    written = to_dot(Graph(ODD, nodes, [Line(printable[0], printable[-1], "link", ODD)]))
    done = subprocess.run(
        ["dot", "-Tjson"], input=written, capture_output=True, text=True, check=True, timeout=60
    )
    read = json.loads(done.stdout)
    names = [thing["name"] for thing in read["objects"]]
    assert names == [
        "".join(char if char.isprintable() else "\ufffd" for char in text).replace("\\", "\\\\")
        for text in printable
    ]
