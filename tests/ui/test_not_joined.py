"""From what was not joined an operator comes to the people it is about, and decides."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

POLICY = """
[identity.kinds.phone_at_home]
normaliser = "text"
max_profile_ids = 3

[[identity.points]]
event_type = "identify"
property = "home"
kind = "phone_at_home"
"""


@pytest.fixture
def collector(new_collector: Callable[..., Any], tmp_path: Path) -> Any:
    """A collector at which a value of more than three devices is shared."""
    config = tmp_path / "onetrail.toml"
    config.write_text(POLICY)
    return new_collector("--demo", "--config", str(config)).start()


def listed(page: Page, profile_id: str) -> Locator:
    return page.locator(f"#found a[href='/ui/profiles/{profile_id}']")


def decide(page: Page, reason: str) -> None:
    """In the dialog that is open, after its preview."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill(reason)
    dialog.locator("[value=confirm]").click()
    expect(page.get_by_text("It can be undone")).to_be_visible()


def test_a_shared_value_leads_to_all_who_use_it(signed_in: Page, collector: Any) -> None:
    people = [
        collector.identify(str(number), home="044 1", email=f"p{number}@acme-shop.ch")
        for number in range(4)
    ]
    signed_in.goto(f"{collector.url}/ui/identity")
    row = signed_in.locator("#shared tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("phone_at_home 044 1")
    expect(row.locator("td").nth(1)).to_have_text("4")
    row.get_by_role("link").click()
    for person in people:
        expect(listed(signed_in, person)).to_have_count(1)
    listed(signed_in, people[2]).click()
    expect(signed_in.get_by_role("heading", level=1)).to_have_text("p2@acme-shop.ch")
    expect(signed_in.get_by_text("joins nobody: shared")).to_be_visible()
    signed_in.get_by_role("button", name="Join with another profile").click()
    signed_in.get_by_label("Any profile ID of the other").fill(people[3])
    signed_in.get_by_role("button", name="Preview").click()
    decide(signed_in, "a couple, they say")
    assert collector.get(f"/profiles/{people[3]}")["id"] == people[2]


def test_a_conflict_leads_to_both_people_and_the_device_to_its_evidence(
    signed_in: Page, collector: Any
) -> None:
    """Two customer numbers with one address: which of the two has it wrong is for people to say."""
    ann = collector.identify("1", user_id="1", email="office@acme-shop.ch")
    bob = collector.identify("2", user_id="2", email="office@acme-shop.ch")
    signed_in.goto(f"{collector.url}/ui/identity")
    exclusive = signed_in.locator("#counts [data-reason=exclusive]")
    expect(exclusive).to_have_attribute("aria-pressed", "true")
    expect(exclusive.locator("strong")).to_have_text("1")
    expect(signed_in.locator("#meaning")).to_contain_text("already has another value")
    row = signed_in.locator("#conflicts tbody tr")
    expect(row).to_have_count(1)
    row.get_by_role("link", name="email office@acme-shop.ch").click()
    for person in (ann, bob):
        expect(listed(signed_in, person)).to_have_count(1)
    signed_in.go_back()
    row.get_by_role("link").first.click()
    expect(signed_in.get_by_text("joins nobody: exclusive")).to_be_visible()
    signed_in.locator(".line.refused").press("Enter")
    said = signed_in.locator("#said-by-graph")
    expect(said).to_contain_text("already has another value")
    expect(said.locator("pre")).to_contain_text("office@acme-shop.ch")
    signed_in.locator(".node", has_text="office@").press("Enter")
    signed_in.get_by_role("button", name="Let it join nobody").click()
    decide(signed_in, "an address of the office")
    signed_in.goto(f"{collector.url}/ui/identity")
    expect(exclusive.locator("strong")).to_have_text("0")
    expect(signed_in.locator("#decisions tbody tr")).to_contain_text("an address of the office")
    exclusive.click()
    expect(signed_in.locator("#conflicts table")).to_have_count(0)
