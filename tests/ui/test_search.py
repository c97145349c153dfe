"""People are found while their key or name is typed."""

import sqlite3
from contextlib import closing
from typing import Any

from playwright.sync_api import Page, expect


def found(collector: Any, text: str) -> list[tuple[str, str, str]]:
    answer = collector.get("/profiles/search", q=text)
    return [(one["profile"], one["name"], one["value"]) for one in answer["found"]]


def test_a_person_is_found_while_a_key_or_a_name_is_typed(signed_in: Page, collector: Any) -> None:
    ann = collector.identify("1", email="ann@acme-shop.ch", traits={"name": "Ann Example"})
    collector.identify("2", email="bob@acme-shop.ch", traits={"name": "Bob"})
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
        collector.identify(f"s{number}", user_id=f"a{number:02}", traits={"name": f"x%y{number}"})
    assert len(found(collector, "a0")) == 10
    assert len(found(collector, "a" * 2)) == 0
    assert len(found(collector, "x%")) == 20
    assert found(collector, "x_") == []
    assert found(collector, "%y") == []


def test_a_person_is_found_by_the_ids_of_what_they_did(collector: Any) -> None:
    ann = collector.identify("session-of-ann", email="ann@acme-shop.ch")
    collector.identify("session-of-bob", email="bob@acme-shop.ch")
    [(event_id,)] = collector.rows("SELECT event_id FROM links ORDER BY profile_id LIMIT 1")
    assert found(collector, ann[:8].upper()) == [(ann, "profile ID", ann)]
    assert found(collector, "session-of-ann") == [(ann, "session ID", "session-of-ann")]
    assert found(collector, event_id) == [(ann, "event ID", event_id)]
    assert collector.get("/events", id=event_id)["events"][0]["profile_id"] == ann
    assert collector.get("/events", id="none such") == {"events": []}


def test_enter_opens_the_only_one_whom_a_beginning_means(signed_in: Page, collector: Any) -> None:
    collector.identify("1", email="ann@acme-shop.ch", traits={"name": "Ann Example"})
    for text in ("exam", "ann@", "ann"):  # the last by two of her names
        signed_in.goto(f"{collector.url}/ui/profiles")
        signed_in.get_by_label("A profile ID").fill(text)
        signed_in.keyboard.press("Enter")
        expect(signed_in.get_by_role("heading", name="Ann Example")).to_be_visible()
        signed_in.go_back()
        expect(signed_in.locator("#found .hit")).to_have_count(1)


def test_of_hashed_keys_only_whole_values_are_found(
    new_collector: Any, monkeypatch: Any, tmp_path: Any
) -> None:
    monkeypatch.setenv("ONETRAIL_IDENTITY__HASH_SECRET", "s" * 40)
    config = tmp_path / "onetrail.toml"
    config.write_text("[identity]\nhash_keys = true\n")
    collector = new_collector("--demo", "--config", str(config)).start()
    ann = collector.identify(
        "1",
        email="ann@acme-shop.ch",
        traits={"email": "ann@acme-shop.ch", "name": "Ann"},
    )
    assert found(collector, "ann@") == []
    assert found(collector, "ann") == [(ann, "name", "Ann")]
    assert "acme" not in str(collector.rows("SELECT start FROM trait_starts"))
    assert [one[0] for one in found(collector, "Ann@acme-shop.ch")] == [ann]


def test_traits_of_all_are_searched_however_many_devices_came_later(collector: Any) -> None:
    traits = {"name": "Dr Ann  Élodie Example", "customer": 4711, "plan": "pro"}
    ann = collector.identify("1", traits=traits)
    collector.identify("2", traits={"name": "Annika", "customer": 4800})
    collector.stop()
    with closing(sqlite3.connect(collector.db)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE every(n) AS (SELECT 9 UNION ALL SELECT n + 1 FROM every LIMIT 60000)"
            " INSERT INTO profile_ids (id, public_id, source, issued_ms, profile)"
            " SELECT n, 'id-' || n, 1, 0, n FROM every"
        )
    collector.start()
    name = (ann, "name", "Dr Ann  Élodie Example")
    for text in ("DR", "ann  éLO", "élodie", "ÉLODIE e", "example", "dr ann  élodie example"):
        assert found(collector, text) == [name], text
    assert [one[2] for one in found(collector, "ann")] == ["Dr Ann  Élodie Example", "Annika"]
    assert found(collector, "471") == [(ann, "customer", "4711")]
    assert found(collector, "lodie") == []


def test_what_an_erased_person_said_is_not_found_and_not_kept(collector: Any) -> None:
    ann = collector.identify("1", traits={"name": "Ann Example"})
    bob = collector.identify("2", traits={"name": "Bob Example"})
    collector.run("erase", ann, "--yes")
    assert [one[0] for one in found(collector, "exam")] == [bob]
    assert found(collector, "ann") == []
    starts = collector.rows("SELECT start FROM trait_starts")
    assert sorted(starts) == [("bob example",), ("example",)]


def test_a_value_that_was_pushed_out_is_found_no_more(collector: Any) -> None:
    """Of a trait the newest five are kept, and those are what is searched."""
    for number in range(7):
        collector.identify("1", traits={"name": f"Name{number} Same"})
    assert found(collector, "name0") == []
    assert [one[2] for one in found(collector, "name6")] == ["Name6 Same"]
    assert len(found(collector, "same")) == 5
