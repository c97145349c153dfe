"""Each code is explained: on the collector's own page, and in the docs in the same words."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from onetrail_collector.error_page import EXPLAINED

ROOT = Path(__file__).parents[2]
CODES = re.compile(
    r"(?:Refused\(\s*\d{3},|Unfit\(|Rejection\([^)]*?,|warning\(event,|EventWarning\([^()]*?,|"
    r'_complain\(\d{3},|tuple\(\(|Identification\(\(\), \(\()\s*"([a-z_]+)"[,)]'
)


def codes_of_the_code() -> set[str]:
    source = (ROOT / "collector" / "onetrail_collector").rglob("*.py")
    return {code for path in source for code in CODES.findall(path.read_text())}


def test_each_code_is_explained_on_the_page(standing_collector: Any) -> None:
    page = httpx.get(f"{standing_collector.url}/errors").text
    codes = codes_of_the_code()
    assert {"suppressed", "busy", "too_large", "bot", "link_refused", "unsigned"} <= codes
    for code in codes:
        assert f'id="{code}"' in page, code


def test_the_docs_say_the_same() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", text(), re.MULTILINE)
    assert rows == [(code, *explained) for code, explained in EXPLAINED.items()]


@pytest.mark.parametrize("code", EXPLAINED)
def test_a_status_is_the_one_that_the_code_has(code: str) -> None:
    source = (ROOT / "collector" / "onetrail_collector").rglob("*.py")
    said = "\n".join(path.read_text() for path in source)
    statuses = set(re.findall(rf'(?:Refused|_complain)\(\s*(\d{{3}}),\s*"{code}"', said))
    assert statuses <= set(re.findall(r"\d{3}", EXPLAINED[code].answered_as)), code


def text() -> str:
    return (ROOT / "docs" / "errors.md").read_text()
