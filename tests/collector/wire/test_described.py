"""docs/protocols.md says of each call of each protocol what becomes of it."""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from onetrail_collector.wire.protocols import EXCHANGES

DOCS = Path(__file__).parents[3] / "docs"


def described_paths() -> Iterator[str]:
    """The paths that the documents name, each written out: `/a/{b,c}` is two, `{x}` any name."""
    text = "".join((DOCS / name).read_text() for name in ("protocols.md", "api.md"))
    for path in re.findall(r"/[^\s`?{]*(?:\{[^}]*\}[^\s`?{]*)*", text):
        whole = path.replace("[", "").replace("]", "")
        for part in {whole, path.partition("[")[0]}:
            choices = [
                piece[1:-1].split(",") if piece.startswith("{") and "," in piece else [piece]
                for piece in re.split(r"(\{[^}]*\})", part)
            ]
            for chosen in product(*choices):
                yield re.sub(r"\{[^}]*\}", "{}", "".join(chosen)).rstrip("/,;.:)")


@pytest.mark.parametrize(
    "path", sorted({path for exchange in EXCHANGES for path in exchange.paths})
)
def test_what_becomes_of_each_call_is_described(path: str) -> None:
    """As a script and as JSON, with the slash at the end and without, a call is the same."""
    described = set(described_paths())
    assert re.sub(r"\{[^}]*\}", "{}", path).rstrip("/").removesuffix(".js") in described
