"""People are found while their key or name is typed."""

from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect


def identify(collector: Any, session: str, **properties: Any) -> str:
    event = {"id": str(uuid4()), "type": "identify", "properties": properties}
    answer = collector.post(
        {"source": {"id": "demo"}, "session": {"id": session}, "events": [event]}
    )
    profile_id: str = answer.json()["profile"]["id"]
    return profile_id


def found(collector: Any, text: str) -> list[tuple[str, str, str]]:
    answer = collector.get("/profiles/search", q=text)
    return [(one["profile"], one["name"], one["value"]) for one in answer["found"]]


def test_a_person_is_found_while_a_key_or_a_name_is_typed(signed_in: Page, collector: Any) -> None:
    ann = identify(collector, "1", email="ann@acme-shop.ch", traits={"name": "Ann Example"})
    identify(collector, "2", email="bob@acme-shop.ch", traits={"name": "Bob"})
    signed_in.goto(f"{collector.url}/ui/profiles")
    box = signed_in.get_by_label("A profile ID")
    hits = signed_in.locator("#found .hit")
    for text, shown in [("AN", "ann@acme-shop.ch"), ("exam", "Ann Example")]:
        box.fill("")
        box.press_sequentially(text)
        expect(hits.filter(has_text=shown)).to_have_attribute("href", f"/ui/profiles/{ann}")
        expect(hits.filter(has_text="ob")).to_have_count(0)
    hits.first.click()
    expect(signed_in.get_by_role("heading", name="Ann Example")).to_be_visible()


def test_a_prefix_is_taken_as_text_and_the_answers_are_few(collector: Any) -> None:
    for number in range(30):
        identify(collector, f"s{number}", user_id=f"a{number:02}", traits={"name": f"x%y{number}"})
    assert len(found(collector, "a0")) == 10
    assert len(found(collector, "a" * 2)) == 0
    assert len(found(collector, "x%")) == 20
    assert found(collector, "x_") == []
    assert found(collector, "%y") == []


def test_a_person_is_found_by_the_ids_of_what_they_did(collector: Any) -> None:
    ann = identify(collector, "session-of-ann", email="ann@acme-shop.ch")
    identify(collector, "session-of-bob", email="bob@acme-shop.ch")
    [(event_id,)] = collector.rows("SELECT event_id FROM links ORDER BY profile_id LIMIT 1")
    assert found(collector, ann[:8].upper()) == [(ann, "profile ID", ann)]
    assert found(collector, "session-of-ann") == [(ann, "session ID", "session-of-ann")]
    assert found(collector, event_id) == [(ann, "event ID", event_id)]
    assert collector.get("/events", id=event_id)["events"][0]["profile_id"] == ann
    assert collector.get("/events", id="none such") == {"events": []}


def test_enter_opens_the_only_one_whom_a_beginning_means(signed_in: Page, collector: Any) -> None:
    identify(collector, "1", email="ann@acme-shop.ch", traits={"name": "Ann Example"})
    for text in ("exam", "ann@"):
        signed_in.goto(f"{collector.url}/ui/profiles")
        signed_in.get_by_label("A profile ID").fill(text)
        signed_in.keyboard.press("Enter")
        expect(signed_in.get_by_role("heading", name="Ann Example")).to_be_visible()


def test_of_hashed_keys_only_whole_values_are_found(
    new_collector: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    monkeypatch.setenv("ONETRAIL_IDENTITY__HASH_SECRET", "s" * 40)
    config = tmp_path / "onetrail.toml"
    config.write_text("[identity]\nhash_keys = true\n")
    collector = new_collector("--demo", "--config", str(config)).start()
    ann = identify(collector, "1", email="ann@acme-shop.ch")
    assert found(collector, "ann@") == []
    assert [one[0] for one in found(collector, "Ann@acme-shop.ch")] == [ann]
