"""The snippets of docs/web.md for React, Vue, Svelte and htmx, each in the real framework."""

import re
import subprocess
from pathlib import Path

import pytest
from harness import Collector, Gate, Site
from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "frameworks"
LANGUAGES = {"react": "jsx", "vue": "vue", "svelte": "svelte", "htmx": "html"}


def snippet(framework: str) -> str:
    """The block of the page that is about the framework."""
    text = (ROOT / "docs" / "web.md").read_text()
    blocks = re.findall(rf"^```{LANGUAGES[framework]}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (block,) = (block for block in blocks if framework != "htmx" or "hx-" in block)
    assert isinstance(block, str)
    return block


@pytest.fixture(scope="module")
def modules() -> None:
    """The frameworks from npm, at the versions of the lock file; installed once."""
    installed = FOLDER / "node_modules" / ".installed"
    if not installed.exists():
        install = ["npm", "ci", "--no-fund", "--no-audit"]
        subprocess.run(install, cwd=FOLDER, check=True, timeout=300, capture_output=True)
        installed.touch()


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize("framework", ["react", "vue", "svelte"])
def test_a_component(
    page: Page, site: Site, gate: Gate, collector: Collector, framework: str
) -> None:
    """Its button is an event, its move to another page is a view with the title it sets then."""
    bundle = subprocess.run(
        ["node", "build.js", framework],
        cwd=FOLDER,
        input=snippet(framework),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    site.pages["/app.js"] = bundle.stdout
    app = '<div id="app"></div><script src="/app.js"></script>'
    page.goto(site.page("/", gate.tag(), app))
    page.wait_for_function("window.onetrail?.profileId?.()")
    page.click("button")
    (event,) = collector.wait_for_stored("sign-up", 1)
    assert event.properties == {"plan": "pro"}
    page.click("a")
    views = collector.wait_for_stored("page-view", 2)
    assert [view.properties["url"] for view in views] == [site.url + "/", site.url + "/welcome"]
    assert views[1].properties["title"] == "Welcome"
    assert views[1].properties["referrer"] == site.url + "/"
    assert gate.types == ["page-view", "sign-up", "page-view"]


@pytest.mark.usefixtures("modules")
def test_htmx(page: Page, site: Site, gate: Gate, collector: Collector) -> None:
    """What htmx swaps in says its event too, and what it pushes is a view."""
    library = FOLDER / "node_modules" / "htmx.org" / "dist" / "htmx.min.js"
    site.pages["/htmx.js"] = library.read_text()
    html = snippet("htmx").replace("http://127.0.0.1:8000", gate.url)
    site.page("/welcome", body='<p><button data-onetrail-event="invite">Invite</button></p>')
    page.goto(site.page("/", '<script src="/htmx.js"></script>', html))
    page.wait_for_function("window.onetrail?.profileId?.()")
    page.click("button")
    (event,) = collector.wait_for_stored("sign-up", 1)
    assert event.properties == {"plan": "pro"}
    page.click("text=Invite")
    collector.wait_for_stored("invite", 1)
    views = collector.wait_for_stored("page-view", 2)
    assert [view.properties["url"] for view in views] == [site.url + "/", site.url + "/welcome"]
