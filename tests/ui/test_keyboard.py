"""All is done by keyboard alone: no pointer, and no place that Tab does not reach."""

from typing import Any
from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

MOST_TABS = 80


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    target.wait_for()
    for _ in range(MOST_TABS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    tab_to(page, target)
    page.keyboard.press(key)


def test_from_the_sign_in_to_a_split_no_pointer_is_needed(page: Page, collector: Any) -> None:
    for number in range(2):
        event = {"id": str(uuid4()), "type": "identify", "properties": {"user_id": "17"}}
        body = {"source": {"id": "demo"}, "session": {"id": f"s{number}"}, "events": [event]}
        collector.post(body)
    page.goto(f"{collector.url}/ui")
    page.keyboard.type(collector.token)
    page.keyboard.press("Enter")

    press(page, page.locator(".skip"))
    press(page, page.get_by_role("button", name="Month"))
    expect(page.get_by_role("button", name="Month")).to_have_attribute("aria-pressed", "true")
    merges = page.locator("#figures button").filter(has_text="Merges")
    press(page, merges, "Space")
    expect(merges).to_be_focused()
    expect(merges).to_have_attribute("aria-pressed", "true")

    press(page, page.get_by_role("link", name="Live"))
    press(page, page.locator("#events summary").first)
    expect(page.locator("#events pre")).to_contain_text('"user_id": "17"')

    press(page, page.get_by_role("link", name="Profiles"))
    tab_to(page, page.locator("[name=q]"))
    page.keyboard.type("17")
    press(page, page.locator("#found .hit").first)

    expect(page.locator(".node")).to_have_count(3)
    for node in page.locator('.node[data-id*="-"]').all():
        press(page, node)
    expect(page.locator("#said-by-graph")).to_contain_text("They are one profile")
    press(page, page.locator(".line").first)
    expect(page.locator("#said-by-graph pre")).to_contain_text('"type": "identify"')
    press(page, page.locator("[name=device]").first, "Space")
    press(page, page.get_by_role("button", name="Split off the chosen"))
    tab_to(page, page.get_by_label("Why?"))
    page.keyboard.type("a shared tablet")
    press(page, page.get_by_role("dialog").get_by_role("button", name="Split off"))
    expect(page.get_by_text("It can be undone")).to_be_visible()
    assert collector.rows("SELECT count(DISTINCT profile) FROM profile_ids") == [(2,)]
