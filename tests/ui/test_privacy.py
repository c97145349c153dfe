"""A person's data leaves the profile's page as a file, or for good."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def profile_id(collector: Any) -> str:
    """Three events on two devices of one person, who has a trait and two keys."""
    for session in ("1", "2"):
        properties = {"email": "ann@acme-shop.ch", "user_id": "17", "traits": {"name": "Ann"}}
        event = {"id": str(uuid4()), "type": "identify", "properties": properties}
        answer = collector.post(
            {"source": {"id": "demo"}, "session": {"id": session}, "events": [event]}
        )
    collector.post(
        {"source": {"id": "demo"}, "session": {"id": "1"}, "events": [{"type": "click"}]}
    )
    found: str = answer.json()["profile"]["id"]
    return found


def test_the_export_is_a_file_of_all_that_is_stored(
    signed_in: Page, collector: Any, profile_id: str, tmp_path: Path
) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{profile_id}")
    signed_in.get_by_role("button", name="Export…").click()
    said = signed_in.locator("#holds li").all_inner_texts()
    assert said == ["3 events", "2 sessions", "2 devices", "4 links to keys", "1 traits"]
    with signed_in.expect_download() as download:
        signed_in.get_by_role("link", name="Save the file").click()
    expect(signed_in.get_by_role("dialog")).to_have_count(0)
    assert f'profile="{profile_id}" by="first start"' in collector.said()
    assert download.value.suggested_filename == "profile.json"
    download.value.save_as(tmp_path / "profile.json")
    assert len(json.loads((tmp_path / "profile.json").read_text())["events"]) == 3
    signed_in.reload()
    history = signed_in.locator("section").filter(has_text="What became of this profile")
    expect(history.get_by_role("row").filter(has_text="exported")).to_contain_text("first start")


def test_an_erasure_says_what_goes_asks_for_a_word_and_does_it(
    signed_in: Page, collector: Any, profile_id: str
) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{profile_id}")
    signed_in.get_by_role("button", name="Erase…").click()
    dialog = signed_in.get_by_role("dialog")
    expect(dialog).to_contain_text("2 devices")
    said = dialog.locator("#goes li").all_inner_texts()
    for words, sql in [
        ("events", "SELECT count(*) FROM events"),
        ("sessions", "SELECT count(*) FROM sessions"),
        ("traits", "SELECT count(*) FROM traits"),
        ("links to keys", "SELECT count(*) FROM links"),
        ("keys that nobody else used", "SELECT count(*) FROM keys"),
    ]:
        assert f"{collector.rows(sql)[0][0]} {words}" in said
    erase = dialog.get_by_role("button", name="Erase for good")
    expect(erase).to_be_disabled()
    dialog.get_by_label("Type erase").fill("eras")
    expect(erase).to_be_disabled()
    assert collector.rows("SELECT count(*) FROM events") == [(3,)]  # a preview removes nothing
    dialog.get_by_label("Why?").fill("asked by letter")
    dialog.get_by_label("Type erase").fill("erase")
    erase.click()
    expect(signed_in.get_by_role("heading", name="Erased")).to_be_visible()
    [receipt] = collector.get("/erasures")["erasures"]
    assert receipt["reason"] == "asked by letter"
    expect(signed_in.locator("#profile")).to_contain_text(receipt["id"])
    assert collector.rows("SELECT count(*) FROM events") == [(0,)]


def test_leaving_the_dialog_erases_nothing(
    signed_in: Page, collector: Any, profile_id: str
) -> None:
    signed_in.goto(f"{collector.url}/ui/profiles/{profile_id}")
    for leave in (lambda: signed_in.keyboard.press("Escape"), cancel(signed_in)):
        signed_in.get_by_role("button", name="Erase…").click()
        signed_in.get_by_label("Type erase").fill("erase")
        leave()
        expect(signed_in.get_by_role("dialog")).to_have_count(0)
    assert collector.rows("SELECT count(*) FROM events") == [(3,)]


def cancel(page: Page) -> Any:
    return lambda: page.get_by_role("button", name="Cancel").click()


def test_who_may_not_erase_is_told_so_by_the_collector(
    page: Page, collector: Any, profile_id: str
) -> None:
    made = collector.run("tokens", "add", "reader", "--scope", "read")
    token = next(word for word in made.split() if word.startswith("ot_"))
    page.goto(f"{collector.url}/ui")
    page.get_by_label("Admin token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{collector.url}/ui")
    page.goto(f"{collector.url}/ui/profiles/{profile_id}")
    page.get_by_role("button", name="Erase…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".bad")).to_contain_text("erase")
    expect(dialog.get_by_label("Type erase")).to_be_disabled()
    expect(dialog.get_by_role("button", name="Erase for good")).to_be_disabled()
