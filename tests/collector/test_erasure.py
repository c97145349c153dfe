"""Erasing a person: gone from every table and from the file, and late events change nothing."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.conftest import wait_until

from onetrail_collector.clock import system_clock
from onetrail_collector.store.sqlite import SqliteStore

ANN = "ann.erased@shop.test"
TABLES = ("events", "sessions", "profile_ids", "links", "keys", "traits", "contexts", "quarantine")


def send(collector: Any, session: str, *events: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {"source": {"id": "demo"}, "session": {"id": session}, "events": events, **fields}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def identify(**properties: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "type": "identify", "properties": properties}


def view(page: str = "/") -> dict[str, Any]:
    return {"id": str(uuid4()), "type": "page-view", "properties": {"url": page}}


def call(collector: Any, method: str, path: str, body: Any = None, **params: Any) -> httpx.Response:
    return httpx.request(
        method,
        collector.url + path,
        json=body,
        params=params,
        headers={"authorization": f"Bearer {collector.token}"},
        timeout=30,
    )


def erase(collector: Any, profile_id: str, **params: Any) -> dict[str, Any]:
    answer = call(collector, "POST", f"/profiles/{profile_id}/erase", {"reason": "asked"}, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def person(collector: Any) -> tuple[str, str]:
    """Ann on two devices, with traits, a context and a refused event; answers her profile IDs."""
    web = send(
        collector,
        "ann-web",
        view("/only-ann"),
        identify(email=ANN, traits={"name": "Ann Erased"}),
        {"type": 7, "properties": {"note": ANN}},
        context={"locale": "rm-CH-only-ann"},
    )["profile"]["id"]
    app = send(collector, "ann-app", identify(email=ANN.upper()))["profile"]["id"]
    assert collector.get(f"/profiles/{app}")["id"] == web
    return web, app


def counts(collector: Any) -> dict[str, int]:
    return {table: collector.rows("SELECT count(*) FROM " + table)[0][0] for table in TABLES}  # noqa: S608


def test_a_person_is_gone_from_every_table_and_the_others_stay(collector: Any) -> None:
    bob = send(collector, "bob", view(), identify(email="bob@shop.test"), context={"a": 1})
    before = counts(collector)
    web, app = person(collector)
    would = erase(collector, app, dry_run=1)
    assert would["profile_ids"] == [web, app]
    assert would["erasure"] is None
    receipt = erase(collector, app)
    assert receipt["profile_ids"] == [web, app]
    assert receipt["erasure"]["done"]
    expected = {"profile_ids": 2, "sessions": 2, "events": 3, "traits": 1, "links": 2, "keys": 1}
    assert receipt["erasure"]["removed"] == {**expected, "quarantined": 1, "contexts": 1}
    assert would["removed"] == receipt["removed"] == {**expected, "quarantined": 1}
    assert counts(collector) == before
    for profile_id in (web, app):
        for path in ("", "/events", "/export"):
            assert call(collector, "GET", f"/profiles/{profile_id}{path}").status_code == 404
    assert collector.get("/profiles", key=f"email:{ANN}")["profiles"] == []
    assert collector.get(f"/profiles/{bob['profile']['id']}")["events"] == 2


def test_the_receipt_and_what_is_left_say_nothing_of_the_person(collector: Any) -> None:
    web, app = person(collector)
    receipt = erase(collector, web)["erasure"]
    assert collector.get(f"/erasures/{receipt['id']}") == receipt
    assert collector.get("/erasures", profile_id=app)["erasures"] == [receipt]
    assert collector.get("/erasures", key=f"email:{ANN.upper()}")["erasures"] == [receipt]
    assert collector.get("/erasures", profile_id=str(uuid4()))["erasures"] == []
    connection = sqlite3.connect(collector.db)
    connection.execute("DELETE FROM history WHERE what = 'erased'")  # as after 30 days
    dump = "\n".join(connection.iterdump())
    connection.close()
    for trace in (ANN, "Ann Erased", web, app, "ann-web", "only-ann"):
        assert trace.lower() not in dump.lower(), trace


def test_no_byte_of_the_person_is_left_in_the_file_and_its_log(collector: Any) -> None:
    """Deleted rows are overwritten, and the log of changes is emptied."""
    web, _ = person(collector)
    for _ in range(20):
        send(collector, "ann-web", *(view(f"/only-ann?mail={ANN}") for _ in range(50)))
        send(collector, str(uuid4()), *(view() for _ in range(50)))
    assert erase(collector, web)["erasure"]["removed"]["events"] == 1003
    files = [collector.db, Path(f"{collector.db}-wal")]
    found = {file.name: file.read_bytes().lower().count(ANN.encode()) for file in files}
    assert set(found.values()) == {0}, found


@pytest.mark.parametrize("with_profile_id", [True, False])
def test_late_events_do_not_bring_them_back(collector: Any, *, with_profile_id: bool) -> None:
    """An outbox that comes back a year later, with the session, with or without the profile ID."""
    web, _ = person(collector)
    erase(collector, web)
    before = counts(collector)
    fields = {"profile": {"id": web}} if with_profile_id else {}
    late = [view("/late"), identify(email=ANN), {"type": 8, "properties": {"note": "of Ann"}}]
    answer = send(collector, "ann-web", *late, sent_at="2027-11-23T12:00:00Z", **fields)
    assert answer["accepted"] == 0
    assert answer["results"] == ["rejected"] * 3
    codes = [rejection["error"] for rejection in answer["rejected"]]
    assert codes == ["suppressed", "suppressed", "wrong_shape"]
    assert answer["profile"]["id"] == (web if with_profile_id else "")
    assert counts(collector) == before


def test_a_new_session_of_an_erased_device_is_refused_too(collector: Any) -> None:
    web, _ = person(collector)
    erase(collector, web)
    before = counts(collector)
    for fields in ({"session": {"id": "a-new-one"}}, {}):
        body = {"source": {"id": "demo"}, "profile": {"id": web}, "events": [view()], **fields}
        answer = collector.post(body).json()
        assert [rejection["error"] for rejection in answer["rejected"]] == ["suppressed"]
    assert counts(collector) == before


def test_on_a_new_device_only_the_event_that_says_who_it_is_is_refused(collector: Any) -> None:
    web, _ = person(collector)
    erase(collector, web)
    answer = send(collector, "new-device", view(), identify(email=ANN, traits={"x": 1}), view())
    assert answer["results"] == ["stored", "rejected", "stored"]
    assert collector.rows("SELECT count(*) FROM keys") == [(0,)]
    assert collector.rows("SELECT count(*) FROM traits") == [(0,)]
    assert not any(ANN in row[0] for row in collector.rows("SELECT properties FROM events"))


def test_the_device_changes_hands_though_nothing_is_stored_of_the_erased(collector: Any) -> None:
    """What an erased customer does next on a shared device is not put down to the one before."""
    gone = send(collector, "gone", identify(user_id=18))["profile"]["id"]
    erase(collector, gone)
    bob = send(collector, "shared", identify(user_id=17))["profile"]["id"]
    answer = send(collector, "shared", identify(user_id=18), view("/of-18"))
    assert answer["results"] == ["rejected", "stored"]
    assert answer["profile"]["id"] != bob
    assert collector.get(f"/profiles/{bob}")["events"] == 1


def test_lifted_they_are_stored_again(collector: Any) -> None:
    web, _ = person(collector)
    receipt = erase(collector, web)["erasure"]
    lifted = call(collector, "POST", f"/erasures/{receipt['id']}/lift").json()
    assert lifted["lifted"]
    assert lifted["lifted_by"] == "first start"
    answer = send(collector, "ann-web", view(), identify(email=ANN), profile={"id": web})
    assert answer["accepted"] == 2
    assert answer["profile"]["id"] != web
    [profile] = collector.get("/profiles", key=f"email:{ANN}")["profiles"]
    assert profile["events"] == 2


def test_a_number_is_never_given_to_somebody_else(collector: Any) -> None:
    """The newest profile ID is erased: the next one issued is not confused with it."""
    web, _ = person(collector)
    [(last,)] = collector.rows("SELECT max(id) FROM profile_ids")
    erase(collector, web)
    send(collector, "next", view())
    assert collector.rows("SELECT max(id) FROM profile_ids") == [(last + 1,)]


def test_a_key_that_others_use_stays_theirs_and_they_are_resolved_anew(collector: Any) -> None:
    """Without Ann's customer number the family's address no longer belongs to two people."""
    family = "family@shop.test"
    ann = send(collector, "a", identify(user_id=1, email=family))["profile"]["id"]
    bob = send(collector, "b", identify(user_id=2, email=family))["profile"]["id"]
    keys = collector.get(f"/profiles/{bob}")["keys"]
    assert {(key["kind"], key["refused"]) for key in keys} == {
        ("user_id", None),
        ("email", "exclusive"),
    }
    erase(collector, ann)
    keys = collector.get(f"/profiles/{bob}")["keys"]
    assert {(key["kind"], key["refused"]) for key in keys} == {("user_id", None), ("email", None)}
    tablet = send(collector, "c", identify(email=family))["profile"]["id"]
    assert collector.get(f"/profiles/{tablet}")["id"] == bob


def test_only_a_token_opens_it_and_who_is_unknown_is_not_found(collector: Any) -> None:
    web, _ = person(collector)
    assert httpx.post(f"{collector.url}/profiles/{web}/erase", json={}).status_code == 401
    assert call(collector, "POST", f"/profiles/{uuid4()}/erase", {}).status_code == 404
    reader = re.findall(r"ot_\S+", collector.run("tokens", "add", "reader", "--scope", "read"))[0]
    for path in (f"/profiles/{web}/erase", "/quarantine/replay"):
        refused = httpx.post(
            collector.url + path, json={}, headers={"authorization": f"Bearer {reader}"}
        )
        assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
    assert collector.get(f"/profiles/{web}")["events"] == 3


def test_an_erasure_that_is_killed_goes_on_at_the_next_start(
    new_collector: Callable[..., Any],
) -> None:
    collector = new_collector("--demo").start()
    web, _ = person(collector)
    for number in range(40):
        send(collector, f"s{number}", *(view() for _ in range(500)), profile={"id": web})
    with pytest.raises(httpx.TimeoutException):
        httpx.post(
            f"{collector.url}/profiles/{web}/erase",
            json={},
            headers={"authorization": f"Bearer {collector.token}"},
            timeout=0.15,
        )
    collector.kill()
    [(left,)] = collector.rows("SELECT count(*) FROM events")
    [(begun,)] = collector.rows("SELECT count(*) FROM erasures WHERE done_ms IS NULL")
    assert (left > 0, begun) == (True, 1), "it was killed too late or too early to say anything"
    collector.start()
    wait_until(
        lambda: collector.rows("SELECT count(*) FROM erasures WHERE done_ms IS NULL") == [(0,)],
        "the erasure to end",
    )
    assert set(counts(collector).values()) == {0}
    assert collector.rows("SELECT events FROM erasures") == [(20_003,)]
    assert "sound" in collector.run("check")


def test_by_command_while_the_collector_runs(collector: Any) -> None:
    web, app = person(collector)
    dry = json.loads(collector.run("erase", app, "--dry-run"))
    assert dry["removed"]["events"] == 3
    done = json.loads(collector.run("erase", app, "--yes", "--reason", "letter 17"))
    assert done["profile_ids"] == [web, app]
    assert done["erasure"]["done"]
    assert done["erasure"]["by"].endswith("on the command line")
    listed = collector.run("suppressions", "list")
    assert done["erasure"]["id"] in listed
    assert "letter 17" in listed
    late = [view()]
    assert send(collector, "ann-web", *late)["results"] == ["rejected"]
    collector.run("suppressions", "lift", done["erasure"]["id"])
    assert send(collector, "ann-web", *late)["results"] == ["stored"]


def test_others_contexts_stay_and_followers_do_not_pass_over_new_events(collector: Any) -> None:
    """A context that somebody else's event shares; numbers of erased events are not given again."""
    shared = {"locale": "fr", "screen": "1x1"}
    bob = send(collector, "bob", view(), context=shared)["profile"]["id"]
    ann = send(collector, "ann", *(view() for _ in range(9)), context=shared)["profile"]["id"]

    def position() -> int:
        rows = collector.rows("SELECT number FROM positions WHERE name = 'pages'")
        return rows[0][0] if rows else 0

    wait_until(lambda: position() == 10, "the pages to be counted")
    assert erase(collector, ann)["erasure"]["removed"]["contexts"] == 0
    send(collector, "carl", view())
    wait_until(lambda: position() == 11, "the new event to be counted")
    [event] = collector.get(f"/profiles/{bob}/events")["events"]
    assert event["context"] == shared
    assert collector.run("check").strip().endswith("sound")


def segment(collector: Any, *messages: dict[str, Any], source: str = "demo") -> dict[str, Any]:
    batch = [{"messageId": str(uuid4()), **message} for message in messages]
    answer = collector.post({"writeKey": source, "batch": batch}, "/v1/batch")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_device_that_its_client_names_does_not_bring_them_back(collector: Any) -> None:
    """A Segment client that comes a year later, and an alias of it that another device sends."""
    click = {"type": "track", "event": "click", "anonymousId": "ann-anon"}
    told = {"type": "identify", "userId": "u-ann", "traits": {"email": ANN}}
    assert segment(collector, click, {**told, "anonymousId": "ann-anon"}) == {"success": True}
    [(theirs,)] = collector.rows("SELECT public_id FROM profile_ids")
    erase(collector, theirs)
    late = segment(collector, click, {**told, "anonymousId": "ann-anon"})
    assert late.pop("success") is True
    assert [rejection["error"] for rejection in late["rejected"]] == ["suppressed"] * 2
    alias = {"type": "alias", "previousId": "ann-anon", "userId": "u-18", "anonymousId": "other"}
    assert [r["error"] for r in segment(collector, alias)["rejected"]] == ["suppressed"]
    assert segment(collector, click)["rejected"][0]["error"] == "suppressed"
    assert set(counts(collector).values()) == {0}
    assert collector.rows("SELECT count(*) FROM device_keys") == [(0,)]
    dump = "\n".join(sqlite3.connect(collector.db).iterdump())
    assert not [trace for trace in (ANN, "ann-anon", "u-ann") if trace in dump]
    assert segment(collector, click, source="web") == {"success": True}, "names hold per source"


def test_a_device_that_changed_hands_does_not_go_on_in_somebody_elses_session(
    collector: Any,
) -> None:
    """Its session was the erased person's, and that session's number is given again."""
    phone = {"type": "track", "event": "click", "anonymousId": "phone"}
    segment(collector, {**phone, "userId": "17"})
    segment(collector, {**phone, "userId": "18", "context": {"sessionId": 7}})
    assert collector.rows("SELECT session, profile_id FROM device_keys") == [(1, 2)]
    [(of_17,)] = collector.rows("SELECT public_id FROM profile_ids WHERE id = 1")
    collector.run("erase", of_17, "--yes")
    assert collector.rows("SELECT session FROM device_keys") == [(None,)]
    segment(collector, phone)
    assert collector.rows("SELECT count(DISTINCT session) FROM events WHERE profile_id = 2") == [
        (2,)
    ]


def test_whoever_follows_the_changes_is_told_for_thirty_days(collector: Any) -> None:
    """Each profile ID that went, and no other word of it; then the IDs are forgotten, too."""
    web, app = person(collector)
    before = collector.get("/profiles/changes")
    assert [change["what"] for change in before["changes"]] == ["merged"]
    erase(collector, app)
    told = collector.get("/profiles/changes")
    assert [(change["what"], change["other"]) for change in told["changes"]] == [
        ("erased", web),
        ("erased", app),
    ]
    collector.kill()

    async def tidy(days: int) -> None:
        store = await SqliteStore.open(collector.db)
        await store.tidy(system_clock() + days * 86_400_000)
        await store.close()

    asyncio.run(tidy(29))
    assert collector.rows("SELECT count(public_id) FROM history") == [(2,)]
    asyncio.run(tidy(31))
    assert collector.rows("SELECT count(public_id) FROM history") == [(0,)]
    collector.start()
    assert collector.get("/profiles/changes", since=told["next"])["changes"] == []


def test_an_erasure_that_takes_decisions_along_leaves_a_sound_file(collector: Any) -> None:
    """The history goes on to name a decision that is gone, and a backup is made all the same."""
    web, app = person(collector)
    collector.run("identity", "split", web, "--part", app, "--reason", "two people")
    erase(collector, app)
    assert collector.rows("SELECT count(*) FROM decisions") == [(0,)]
    collector.run("backup", str(collector.db.with_name("copy.db")))
    assert "nothing to change" in collector.run("identity", "rebuild", "--dry-run")
