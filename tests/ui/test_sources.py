"""Sources are added, changed, shut and given secrets from their page, and the collector obeys."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect


def send(
    collector: Any, source: str, *, secret: str | None = None, origin: str | None = None
) -> int:
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    if origin is not None:
        headers["origin"] = origin
    body = {
        "source": {"id": source},
        "session": {"id": "s"},
        "events": [{"id": str(uuid4()), "type": "a"}],
    }
    return httpx.post(f"{collector.url}/track", json=body, headers=headers).status_code


@pytest.fixture
def sources(signed_in: Page, collector: Any) -> Page:
    signed_in.goto(f"{collector.url}/ui/sources")
    return signed_in


def card(page: Page, source: str) -> Locator:
    return page.get_by_role("region", name=f"Source {source}")


def test_a_source_is_added_and_may_send(sources: Page, collector: Any) -> None:
    sources.get_by_role("button", name="Add a source").click()
    dialog = sources.get_by_role("dialog")
    dialog.get_by_label("ID").fill("shop")
    dialog.get_by_label("Kind").select_option("app")
    dialog.get_by_label("Origins").fill("https://shop.example\nnonsense")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_role("alert")).to_contain_text("nonsense")  # the collector's own words
    dialog.get_by_label("Origins").fill("https://shop.example")
    dialog.get_by_role("button", name="Add").click()
    expect(card(sources, "shop")).to_contain_text("app")
    expect(card(sources, "shop").locator("pre").first).to_contain_text('data-source="shop"')
    expect(card(sources, "shop").locator("pre").last).to_contain_text('source="shop"')
    assert send(collector, "shop", origin="https://shop.example") == 200
    assert send(collector, "shop", origin="https://elsewhere.example") == 403


def test_a_source_is_shut_and_opened_again(sources: Page, collector: Any) -> None:
    card(sources, "demo").get_by_role("button", name="Disable").click()
    expect(card(sources, "demo")).to_contain_text("disabled")
    assert send(collector, "demo") == 401
    card(sources, "demo").get_by_role("button", name="Enable").click()
    expect(card(sources, "demo").get_by_role("button", name="Disable")).to_be_visible()
    assert send(collector, "demo") == 200


def test_origins_and_limit_are_changed(sources: Page, collector: Any) -> None:
    demo = card(sources, "demo")
    demo.get_by_text("Change", exact=True).click()
    demo.get_by_label("Origins").fill("https://a.example https://b.example")
    demo.get_by_label("Events a second").fill("7")
    demo.get_by_role("button", name="Save").click()
    expect(sources.get_by_text("demo saved")).to_be_visible()
    stored = collector.get("/sources/demo")
    assert stored["origins"] == ["https://a.example", "https://b.example"]
    assert stored["events_per_second"] == 7
    demo.get_by_label("Events a second").fill("")
    demo.get_by_label("Origins").fill("")
    demo.get_by_role("button", name="Save").click()
    expect(demo.get_by_label("Origins")).to_have_value("")
    stored = collector.get("/sources/demo")
    assert (stored["origins"], stored["events_per_second"]) == ([], None)


def test_a_secret_is_shown_once_and_asked_for_from_then_on(sources: Page, collector: Any) -> None:
    sources.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sources.on("dialog", lambda dialog: dialog.accept())
    demo = card(sources, "demo")
    demo.get_by_text("Change", exact=True).click()
    demo.get_by_role("button", name="New secret").click()
    secret = demo.locator(".secret").inner_text()
    demo.locator("p.good ~ .row").get_by_role("button", name="Copy").click()
    expect(sources.get_by_text("The secret copied")).to_be_visible()
    assert sources.evaluate("navigator.clipboard.readText()") == secret
    assert send(collector, "demo") == 401
    assert send(collector, "demo", secret=secret) == 200
    sources.reload()
    expect(card(sources, "demo")).to_contain_text("with a secret")
    assert secret not in sources.content()
    demo.get_by_text("Change", exact=True).click()
    demo.get_by_role("button", name="Remove the secret").click()
    expect(card(sources, "demo")).not_to_contain_text("with a secret")
    assert send(collector, "demo") == 200
