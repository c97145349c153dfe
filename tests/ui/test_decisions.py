"""From a profile's page people are split, joined, refused and put back, after a preview."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect


def devices(collector: Any, profile_id: str) -> set[str]:
    profile = collector.get(f"/profiles/{profile_id}")
    return {device["id"] for device in profile["profile_ids"]}


def confirm(page: Page, button: str, reason: str) -> None:
    """In the dialog that is open."""
    page.get_by_label("Why?").fill(reason)
    page.get_by_role("dialog").get_by_role("button", name=button).click()
    expect(page.get_by_text("It can be undone")).to_be_visible()


@pytest.fixture
def three(collector: Any) -> list[str]:
    """Three devices of one customer number."""
    return [collector.identify(f"s{number}", user_id="17") for number in range(3)]


def test_two_devices_say_why_they_are_one(
    signed_in: Page, collector: Any, three: list[str]
) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{three[0]}")
    for device in three[:2]:
        signed_in.locator(f'.node[data-id="{device}"]').click()
    said = signed_in.locator("#said-by-graph")
    expect(said).to_contain_text("They are one profile: both used user_id 17")
    signed_in.locator(".line").first.press("Enter")
    expect(said).to_contain_text("used user_id:17, first in this event")
    [(event_id,)] = collector.rows("SELECT event_id FROM links ORDER BY profile_id LIMIT 1")
    assert json.loads(said.locator("pre").inner_text())["id"] == event_id


def test_a_split_is_previewed_done_kept_in_the_history_and_undone(
    signed_in: Page, collector: Any, three: list[str]
) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{three[0]}")
    signed_in.get_by_label(f"Choose device {three[0]}").check()
    signed_in.get_by_role("button", name="Split off the chosen").click()
    expect(signed_in.get_by_role("dialog")).to_contain_text("with 2 devices")
    assert devices(collector, three[0]) == set(three)  # a preview changes nothing
    confirm(signed_in, "Split off 1 device", "a shared tablet")
    assert devices(collector, three[0]) == {three[0]}
    assert devices(collector, three[1]) == set(three[1:])
    expect(signed_in.get_by_text("a shared tablet").first).to_be_visible()
    signed_in.get_by_role("button", name="Undo").first.click()  # from here, too
    expect(signed_in.get_by_role("dialog")).to_contain_text("with 3 devices")
    signed_in.keyboard.press("Escape")

    before = signed_in.context.new_page()  # opened before it is undone
    before.goto(f"{collector.url}/ui/profiles/{three[0]}")
    expect(before.get_by_role("button", name="Undo").first).to_be_visible()

    signed_in.goto(f"{collector.url}/ui/identity")
    signed_in.get_by_role("button", name="Undo").first.click()
    confirm(signed_in, "Undo decision", "it was one person after all")
    assert devices(collector, three[1]) == set(three)
    expect(signed_in.get_by_text("it was one person after all")).to_be_visible()
    signed_in.goto(f"{collector.url}/ui/profiles/{three[0]}")
    expect(signed_in.get_by_text("first start, who undid decision 1").first).to_be_visible()
    expect(signed_in.get_by_role("button", name="Undo")).to_have_count(0)
    before.get_by_role("button", name="Undo").first.click()
    expect(before.get_by_role("dialog")).to_contain_text("It was undone already")
    expect(before.get_by_role("dialog")).to_contain_text("by first start: it was one person")
    before.close()
    expect(signed_in.get_by_text("it was one person after all").first).to_be_visible()


def test_two_profiles_are_joined(signed_in: Page, collector: Any, three: list[str]) -> None:
    other = collector.identify("other", email="ann@acme-shop.ch")
    signed_in.goto(f"{collector.url}/ui/profiles/{three[0]}")
    signed_in.get_by_role("button", name="Join with another profile").click()
    signed_in.get_by_label("Any profile ID").fill("nobody")
    signed_in.get_by_role("button", name="Preview").click()
    expect(signed_in.get_by_role("dialog")).to_contain_text("nobody")  # the collector's own words
    signed_in.get_by_label("Any profile ID").fill(other)
    signed_in.get_by_role("button", name="Preview").click()
    expect(signed_in.get_by_role("dialog")).to_contain_text("with 4 devices")
    confirm(signed_in, "Join with another profile", "she called us")
    assert devices(collector, other) == {*three, other}


def test_a_key_is_refused_for_everyone(signed_in: Page, collector: Any, three: list[str]) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{three[0]}")
    signed_in.get_by_role("button", name="Refuse", exact=True).click()
    confirm(signed_in, "Let user_id 17 join nobody", "the till's number")
    assert [devices(collector, device) for device in three] == [{device} for device in three]


def test_spaces_are_no_reason(signed_in: Page, collector: Any, three: list[str]) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{three[0]}")
    signed_in.get_by_role("button", name="Refuse", exact=True).click()
    signed_in.get_by_label("Why?").fill("   ")
    button = signed_in.get_by_role("button", name="Let user_id 17 join nobody")
    button.click()
    expect(signed_in.get_by_text("reason: expected a text of 1 to 500 characters")).to_be_visible()
    assert collector.get("/identity/decisions")["decisions"] == []


def test_leaving_the_dialog_changes_nothing(
    signed_in: Page, collector: Any, three: list[str]
) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{three[0]}")
    signed_in.get_by_role("button", name="Refuse", exact=True).click()
    signed_in.get_by_role("button", name="Cancel").click()
    signed_in.get_by_role("button", name="Refuse", exact=True).click()
    signed_in.keyboard.press("Escape")
    assert devices(collector, three[0]) == set(three)
    assert collector.get("/identity/decisions")["decisions"] == []
