"""Fixtures of the tests of /ui: a real browser that is signed in to a real collector."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

sys.path.insert(0, str(Path(__file__).parent.parent / "browser"))

from fixtures import chromium, context  # noqa: F401  # the path to it is set above


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:  # noqa: F811
    """A tab; no script error, and nothing against the page's own policy, may have reached it."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Policy" in said.text else None)
    yield page
    assert errors == []


@pytest.fixture
def signed_in(page: Page, collector: Any) -> Page:
    """A tab at the overview, signed in with the token of the collector's first start."""
    page.goto(f"{collector.url}/ui")
    page.get_by_label("Admin token").fill(collector.token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{collector.url}/ui")
    return page
