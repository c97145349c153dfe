"""The pictures in the docs are those of their sources, and are shown somewhere."""

import hashlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SOURCES = sorted((DOCS / "identity").glob("*.dot"))


def test_there_are_pictures() -> None:
    assert len(SOURCES) >= 4
    assert {path.stem for path in SOURCES} == {p.stem for p in (DOCS / "identity").glob("*.svg")}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_picture_is_rendered_from_its_source_and_shown(source: Path) -> None:
    """Else run: make docs-pictures."""
    picture = source.with_suffix(".svg")
    text = picture.read_text()
    assert f"sha256 of its source: {hashlib.sha256(source.read_bytes()).hexdigest()}" in text
    root = ET.fromstring(text)  # noqa: S314 - our own file
    drawn = " ".join(node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text"))
    for words in re.findall(r'label="([^"\\]+)', source.read_text()):
        assert words.strip() in drawn
    assert f"(identity/{picture.name})" in (DOCS / "identity.md").read_text()
