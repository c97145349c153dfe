"""What users can do about who is who: see why, part and join, preview, undo, follow the changes."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.conftest import wait_until

from onetrail_collector.identity.keys import Key, Kind
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.resolve import Link
from onetrail_collector.resolution import settle
from onetrail_collector.store.rows import NewProfileId, SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

ANN = "ann@trail.ch"
REASON = {"reason": "she called us"}


def identify(time: str = "2026-01-01T00:00:00Z", **properties: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "type": "identify", "time": time, "properties": properties}


def device(collector: Any, *events: dict[str, Any]) -> str:
    """A device of its own that sends these events; answers its profile ID."""
    body = {"source": {"id": "demo"}, "session": {"id": str(uuid4())}, "events": events}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text
    profile_id: str = answer.json()["profile"]["id"]
    return profile_id


def ask(collector: Any, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {collector.token}"}
    return httpx.request(method, collector.url + path, json=body, headers=headers, timeout=30)


def do(collector: Any, path: str, **body: Any) -> Any:
    answer = ask(collector, "POST", path, REASON | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def public_id(collector: Any, profile_id: str) -> str:
    found: str = collector.get(f"/profiles/{profile_id}")["id"]
    return found


def event_types(collector: Any, profile_id: str) -> set[str]:
    page = collector.get(f"/profiles/{profile_id}/events")
    return {event["type"] for event in page["events"]}


def picture(collector: Any, *profile_ids: str) -> list[Any]:
    """All that can be seen of these profile IDs' identity, but its history."""
    return [
        (collector.get(f"/profiles/{one}"), collector.get(f"/profiles/{one}/graph"))
        for one in profile_ids
    ]


@pytest.fixture
def pair(collector: Any) -> tuple[str, str]:
    """Two devices of one e-mail address, each with an event of its own."""
    web = device(collector, {"type": "on-web"}, identify("2026-01-01T00:00:00Z", email=ANN))
    app = device(collector, {"type": "on-app"}, identify("2026-02-01T00:00:00Z", email=ANN))
    return web, app


# A profile's page


def test_a_profile_shows_what_lost_and_when_it_was_seen(collector: Any) -> None:
    first = identify("2026-01-01T00:00:00Z", email=ANN, traits={"plan": "free", "age": 30})
    later = identify("2026-03-01T00:00:00Z", email=ANN, traits={"plan": "pro"})
    between = identify("2026-02-01T00:00:00Z", traits={"plan": "trial"})
    web = device(collector, first)
    app = device(collector, later, between)
    profile = collector.get(f"/profiles/{app}")
    plan = profile["traits"]["plan"]
    assert (plan["value"], plan["event_id"], plan["profile_id"]) == ("pro", later["id"], app)
    assert [(lost["value"], lost["event_id"]) for lost in plan["lost"]] == [
        ("trial", between["id"]),
        ("free", first["id"]),
    ]
    assert profile["traits"]["age"]["lost"] == []
    assert (profile["first_seen"][:10], profile["last_seen"][:10]) == ("2026-01-01", "2026-03-01")
    assert (profile["events"], profile["sessions"], profile["profile_id_count"]) == (3, 2, 2)
    assert [session["profile_id"] for session in profile["recent_sessions"]] == [app, web]


def test_a_consent_once_denied_stays_denied_until_a_later_event_grants_it(collector: Any) -> None:
    denied = identify("2026-02-01T00:00:00Z", email=ANN, traits={"consent": False})
    granted_before = identify("2026-01-01T00:00:00Z", email=ANN, traits={"consent": True})
    device(collector, denied)
    app = device(collector, granted_before)
    assert collector.get(f"/profiles/{app}")["traits"]["consent"]["value"] is False
    device(collector, identify("2026-03-01T00:00:00Z", email=ANN, traits={"consent": True}))
    assert collector.get(f"/profiles/{app}")["traits"]["consent"]["value"] is True


def test_counts_stop_where_counting_would_take_long(collector: Any) -> None:
    session = {"source": {"id": "demo"}, "session": {"id": "s"}}
    for _ in range(11):
        answer = collector.post({**session, "events": [{"type": "a"}] * 1000})
    one = answer.json()["profile"]["id"]
    profile = collector.get(f"/profiles/{one}")
    assert (profile["events"], profile["counted_to"]) == (10_000, 10_000)
    assert profile["profile_ids"][0]["events"] == 10_000
    everything = collector.get(f"/profiles/{one}", count_all="true")
    assert (everything["events"], everything["counted_to"]) == (11_000, None)


# Why


def test_why_names_the_key_and_both_events(collector: Any, pair: tuple[str, str]) -> None:
    why = collector.get("/why", a=pair[1], b=pair[0])
    assert (why["verdict"], why["profiles"]) == ("one", [pair[0]])
    [hop] = why["chain"]
    assert hop["profile_ids"] == [pair[1], pair[0]]
    assert hop["key"] == {"kind": "email", "value": ANN}
    assert [link["profile_id"] for link in hop["links"]] == [pair[1], pair[0]]
    assert {link["source"] for link in hop["links"]} == {"demo"}
    events = collector.get(f"/profiles/{pair[0]}/events")["events"]
    assert {link["event_id"] for link in hop["links"]} <= {event["id"] for event in events}
    assert f"both used email {ANN}: {pair[1]} on 2026-02-01 in demo" in why["sentence"]


def test_why_finds_the_shortest_chain_of_several(collector: Any) -> None:
    """A - email - b - phone - c - email - d, and a longer way around."""
    a = device(collector, identify(email="one@a.ch"))
    b = device(collector, identify(email="one@a.ch", phone="+41446681801"))
    c = device(collector, identify(email="two@a.ch", phone="+41446681801"))
    d = device(collector, identify(email="two@a.ch"))
    around = device(collector, identify(email="one@a.ch", phone="+41446681802"))
    device(collector, identify(phone="+41446681802", email="three@a.ch"))
    device(collector, identify(email="three@a.ch", phone="+41446681801"))
    why = collector.get("/why", a=a, b=d)
    assert [hop["profile_ids"] for hop in why["chain"]] == [[a, b], [b, c], [c, d]]
    assert [hop["key"]["value"] for hop in why["chain"]] == ["one@a.ch", "+41446681801", "two@a.ch"]
    assert len(collector.get("/why", a=around, b=d)["chain"]) == 3


def test_why_names_the_refusal_that_keeps_two_apart(collector: Any) -> None:
    one = device(collector, identify("2026-01-01T00:00:00Z", user_id="17", email="f@a.ch"))
    other = device(collector, identify("2026-01-02T00:00:00Z", user_id="18", email="f@a.ch"))
    why = collector.get("/why", a=one, b=other)
    assert (why["verdict"], why["profiles"]) == ("kept_apart", [one, other])
    [refused] = why["refused"]
    assert (refused["profile_id"], refused["refused"]) == (other, "exclusive")
    assert why["exclusive"] == [{"kind": "user_id", "values": ["17", "18"]}]
    assert "two profiles: both used email f@a.ch" in why["sentence"]


def test_why_says_that_nothing_connects_two(collector: Any) -> None:
    one, other = device(collector, identify(email="a@a.ch")), device(collector, {"type": "a"})
    why = collector.get("/why", a=one, b=other)
    assert (why["verdict"], why["chain"]) == ("unconnected", [])
    assert why["sentence"].startswith("Nothing connects them")
    assert collector.get("/why", a=one, b=one)["verdict"] == "same"


def test_why_tells_of_an_operators_join_and_part(collector: Any, pair: tuple[str, str]) -> None:
    stranger = device(collector, {"type": "a"})
    do(collector, f"/profiles/{pair[0]}/join", other=stranger)
    why = collector.get("/why", a=pair[1], b=stranger)
    assert [hop["key"] and hop["key"]["kind"] for hop in why["chain"]] == ["email", None]
    assert why["chain"][1]["decision"]["reason"] == REASON["reason"]
    assert "joined by first start on 20" in why["sentence"]
    do(collector, f"/profiles/{pair[0]}/split", profile_ids=[pair[1]])
    why = collector.get("/why", a=pair[0], b=pair[1])
    assert why["verdict"] == "kept_apart"
    assert why["parted"][0]["reason"] == REASON["reason"]
    assert "first start parted" in why["sentence"]


# The picture


def test_the_graph_holds_devices_keys_and_links(collector: Any, pair: tuple[str, str]) -> None:
    graph = collector.get(f"/profiles/{pair[1]}/graph")
    assert graph["profile"] == pair[0]
    assert {(node["id"], node["type"], node["own"]) for node in graph["nodes"]} == {
        (pair[0], "profile_id", True),
        (pair[1], "profile_id", True),
        (f"email:{ANN}", "key", True),
    }
    assert {(link["from"], link["to"], link["refused"]) for link in graph["links"]} == {
        (pair[0], f"email:{ANN}", None),
        (pair[1], f"email:{ANN}", None),
    }
    assert graph["left_out"] == {"profile_ids": 0, "links": 0}


def test_the_graph_shows_refusals_from_both_sides(collector: Any) -> None:
    one = device(collector, identify("2026-01-01T00:00:00Z", user_id="17", email="f@a.ch"))
    other = device(collector, identify("2026-01-02T00:00:00Z", user_id="18", email="f@a.ch"))
    for asked in (one, other):
        graph = collector.get(f"/profiles/{asked}/graph")
        [refused] = [link for link in graph["links"] if link["refused"]]
        assert (refused["from"], refused["to"]) == (other, "email:f@a.ch")
        own = {node["id"] for node in graph["nodes"] if node["own"] and node["kind"] is None}
        assert own == {asked}


def test_the_graph_as_graphviz_escapes_what_people_typed(collector: Any) -> None:
    odd = 'x"]; evil [label="y'
    one = device(collector, identify(user_id=odd))
    answer = ask(collector, "GET", f"/profiles/{one}/graph?format=dot")
    assert answer.headers["content-type"].startswith("text/vnd.graphviz")
    assert 'x\\"]; evil [label=\\"y' in answer.text
    assert answer.text.startswith("graph ")


def test_a_graph_of_ten_thousand_devices_is_bounded(new_collector: Any, tmp_path: Path) -> None:
    """A customer number on 10,000 devices, under a policy that allows it."""
    config = tmp_path / "onetrail.toml"
    config.write_text("[identity.kinds.user_id]\nmax_profile_ids = 20000\n")
    collector = new_collector("--demo", "--config", str(config))
    policy = Policy(kinds={"user_id": Kind("user_id", exclusive=True, max_profile_ids=20_000)})
    asyncio.run(fill(collector.db, policy, devices=10_000))
    collector.start()
    began = time.monotonic()
    graph = collector.get("/profiles/device-5000/graph")
    why = collector.get("/why", a="device-7000", b="device-9999")
    text = ask(collector, "GET", "/profiles/device-1/graph?format=dot&limit=50").text
    profile = collector.get("/profiles/device-5000")
    assert time.monotonic() - began < 10
    assert sum(node["type"] == "profile_id" for node in graph["nodes"]) == 200
    assert graph["left_out"] == {"profile_ids": 9_800, "links": 9_800}
    assert "9950 more devices are not shown" in text
    assert [hop["profile_ids"] for hop in why["chain"]] == [["device-7000", "device-9999"]]
    assert (profile["id"], profile["profile_id_count"]) == ("device-1", 10_000)
    assert len(profile["profile_ids"]) == 100
    body = REASON | {"profile_ids": ["device-2", "device-3"]}
    answer = ask(collector, "POST", "/profiles/device-1/split", body)
    assert (answer.status_code, "10000 pairs" in answer.text) == (422, True)


async def fill(db: Path, policy: Policy, *, devices: int) -> None:
    """So many devices that all signed in as one customer."""
    store = await SqliteStore.open(db)
    await store.settle_key_form(policy.fingerprint)
    await store.add_source("demo", name="Demo", origins=[], now_ms=0)
    key = Key("user_id", "17")
    async with store.transaction() as transaction:
        links = await transaction.write(
            Writes(
                profile_ids=[
                    NewProfileId(number, f"device-{number}", 1, 0, number)
                    for number in range(1, devices + 1)
                ],
                links=[
                    SourcedLink(Link(number, key, number, f"event-{number}"), 1)
                    for number in range(1, devices + 1)
                ],
            )
        )
        await settle(transaction.identity, links, policy, now_ms=0)
    await store.close()


# Decisions


def test_a_split_takes_past_events_along_at_once(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    assert event_types(collector, web) == {"on-web", "on-app", "identify"}
    done = do(collector, f"/profiles/{web}/split", profile_ids=[app])
    assert event_types(collector, web) == {"on-web", "identify"}
    assert event_types(collector, app) == {"on-app", "identify"}
    assert done["before"] == [{"id": web, "profile_ids": [web, app]}]
    assert done["after"] == [
        {"id": web, "profile_ids": [web]},
        {"id": app, "profile_ids": [app]},
    ]
    assert done["moved"] == [app]
    assert [(link["profile_id"], link["refused_after"]) for link in done["links"]] == [
        (app, "apart")
    ]


def test_a_live_view_of_a_device_follows_it_to_its_new_profile(
    collector: Any, pair: tuple[str, str]
) -> None:
    web, app = pair
    url = f"{collector.url}/events/live?profile_id={app}"
    headers = {"authorization": f"Bearer {collector.token}"}
    with httpx.stream("GET", url, headers=headers, timeout=10) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("data: "))
        do(collector, f"/profiles/{web}/split", profile_ids=[app])
        for profile_id in pair:
            body = {"source": {"id": "demo"}, "profile": {"id": profile_id}}
            collector.post(body | {"events": [{"type": "after-the-split"}]})
        event = json.loads(next(line for line in lines if "after-the-split" in line)[6:])
    assert event["profile_id"] == app


def test_the_oldest_profile_id_can_be_split_off(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    do(collector, f"/profiles/{web}/split", profile_ids=[web])
    assert (public_id(collector, web), public_id(collector, app)) == (web, app)
    assert event_types(collector, web) == {"on-web", "identify"}


def test_several_are_parted_as_one_act_and_stay_together(collector: Any) -> None:
    four = [device(collector, identify(f"2026-01-0{n}T00:00:00Z", email=ANN)) for n in (1, 2, 3, 4)]
    for one in four[2:]:
        device(collector, {"type": "x"})
        session = {"source": {"id": "demo"}, "profile": {"id": one}}
        collector.post({**session, "events": [identify(phone="+41446681801")]})
    done = do(collector, f"/profiles/{four[0]}/split", profile_ids=four[2:])
    assert [group["profile_ids"] for group in done["after"]] == [four[:2], four[2:]]
    [decision] = collector.get("/identity/decisions")["decisions"]
    assert (decision["id"], decision["what"]) == (done["decision"], "part")
    assert (decision["profile_ids"], decision["others"]) == (four[2:], four[:2])
    undone = do(collector, f"/identity/decisions/{done['decision']}/undo")
    assert undone["after"] == [{"id": four[0], "profile_ids": four}]


def test_who_is_left_stays_together_although_the_key_goes_with_the_other(collector: Any) -> None:
    """The first user of a key keeps it; the rest, held together by that key alone, is one still."""
    three = [device(collector, identify(f"2026-01-0{n}T00:00:00Z", email=ANN)) for n in (1, 2, 3)]
    done = do(collector, f"/profiles/{three[0]}/split", profile_ids=[three[0]])
    assert [group["profile_ids"] for group in done["after"]] == [three[:1], three[1:]]
    assert do(collector, f"/profiles/{three[0]}/split", profile_ids=[three[0]])["after"] == []
    [decision] = collector.get("/identity/decisions")["decisions"]
    assert (decision["profile_ids"], decision["others"]) == (three[:1], three[1:])
    assert "joined by first start" in collector.get("/why", a=three[1], b=three[2])["sentence"]
    undone = do(collector, f"/identity/decisions/{done['decision']}/undo")
    assert [group["profile_ids"] for group in undone["after"]] == [three]


def test_a_split_holds_against_new_evidence(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    do(collector, f"/profiles/{web}/split", profile_ids=[app])
    for one in pair:
        body = {"source": {"id": "demo"}, "profile": {"id": one}}
        collector.post({**body, "events": [identify(phone="+41446681801")]})
    assert public_id(collector, app) == app


def test_one_link_can_be_refused(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    link = {"profile_id": app, "key": " email:Ann@TRAIL.ch".strip()}
    done = do(collector, f"/profiles/{web}/split", link=link)
    assert [(link["refused_before"], link["refused_after"]) for link in done["links"]] == [
        (None, "link_refused")
    ]
    assert public_id(collector, app) == app
    do(collector, f"/identity/decisions/{done['decision']}/undo")
    assert public_id(collector, app) == web


def test_a_join_makes_two_one_with_all_their_events(collector: Any, pair: tuple[str, str]) -> None:
    stranger = device(collector, {"type": "strange"})
    done = do(collector, f"/profiles/{stranger}/join", other=pair[1])
    assert done["after"] == [{"id": pair[0], "profile_ids": [*pair, stranger]}]
    assert done["moved"] == [stranger]
    assert "strange" in event_types(collector, pair[0])
    [decision] = collector.get("/identity/decisions")["decisions"]
    assert (decision["made_by"], decision["reason"]) == ("first start", REASON["reason"])


def test_a_refused_key_joins_nobody_now_or_later(collector: Any, pair: tuple[str, str]) -> None:
    done = do(collector, "/identity/refuse-key", key="email:Ann@Trail.ch")
    assert {(link["profile_id"], link["refused_after"]) for link in done["links"]} == {
        (pair[0], "key_refused"),
        (pair[1], "key_refused"),
    }
    assert [group["profile_ids"] for group in done["after"]] == [[pair[0]], [pair[1]]]
    third = device(collector, identify(email=ANN))
    assert {public_id(collector, one) for one in (*pair, third)} == {*pair, third}
    do(collector, f"/identity/decisions/{done['decision']}/undo")
    assert {public_id(collector, one) for one in (*pair, third)} == {pair[0]}


DEEDS = [
    ("/profiles/{web}/split", {"profile_ids": ["{app}"]}),
    ("/profiles/{web}/split", {"link": {"profile_id": "{app}", "key": f"email:{ANN}"}}),
    ("/profiles/{web}/join", {"other": "{stranger}"}),
    ("/identity/refuse-key", {"key": f"email:{ANN}"}),
]


@pytest.mark.parametrize(("path", "body"), DEEDS)
def test_a_preview_says_what_then_happens_and_undo_restores_exactly(
    collector: Any, pair: tuple[str, str], path: str, body: dict[str, Any]
) -> None:
    stranger = device(collector, identify("2026-03-01T00:00:00Z", phone="+41446681801"))
    names = {"web": pair[0], "app": pair[1], "stranger": stranger}
    path = path.format(**names)
    text = json.dumps(body)
    for name, profile_id in names.items():
        text = text.replace(f"{{{name}}}", profile_id)
    body = json.loads(text)
    before = picture(collector, *names.values())
    preview = do(collector, f"{path}?dry_run=1", **body)
    assert picture(collector, *names.values()) == before
    assert collector.get("/identity/decisions")["decisions"] == []
    assert collector.get("/profiles/changes", since="0")["next"] == before_changes(collector)
    done = do(collector, path, **body)
    assert preview == done | {"dry_run": True, "decision": None}
    assert picture(collector, *names.values()) != before
    again = do(collector, path, **body)
    assert (again["decision"], again["after"], again["links"]) == (done["decision"], [], [])
    undo = f"/identity/decisions/{done['decision']}/undo"
    undo_preview = do(collector, f"{undo}?dry_run=1")
    undone = do(collector, undo)
    assert undo_preview == undone | {"dry_run": True}
    assert (undone["before"], undone["after"]) == (done["after"], done["before"])
    assert picture(collector, *names.values()) == before
    assert do(collector, undo)["after"] == []
    [decision] = collector.get("/identity/decisions")["decisions"]
    assert decision["undone_by"] == "first start"


def before_changes(collector: Any) -> int:
    [(last,)] = collector.rows("SELECT ifnull(max(id), 0) FROM history")
    return int(last)


def test_the_newer_decision_holds_and_can_be_made_again(
    collector: Any, pair: tuple[str, str]
) -> None:
    web, app = pair
    do(collector, f"/profiles/{web}/split", profile_ids=[app])
    joined = do(collector, f"/profiles/{web}/join", other=app)
    assert public_id(collector, app) == web
    parted = do(collector, f"/profiles/{web}/split", profile_ids=[app])
    assert public_id(collector, app) == app
    assert parted["decision"] > joined["decision"]


# History and changes


def test_history_tells_each_merge_split_and_refusal(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    done = do(collector, f"/profiles/{web}/split", profile_ids=[app])
    whole = collector.get(f"/profiles/{web}/history")["history"]
    assert [row["what"] for row in whole] == ["split", "merged"]
    rows = collector.get(f"/profiles/{app}/history")["history"]
    assert {row["what"] for row in rows} == {"merged", "split", "refused"}
    [refused] = [row for row in rows if row["what"] == "refused"]
    assert (refused["other"], refused["refused"], refused["key"]["value"]) == (app, "apart", ANN)
    [merged] = [row for row in rows if row["what"] == "merged"]
    events = collector.get(f"/profiles/{app}/events")["events"]
    assert merged["event_id"] in {event["id"] for event in events}
    assert (merged["profile"], merged["other"]) == (web, app)
    assert merged["cause"] == "event"
    [split] = [row for row in rows if row["what"] == "split"]
    assert (split["decision"], split["made_by"]) == (done["decision"], "first start")
    assert (split["cause"], split["reason"]) == ("decision", REASON["reason"])
    paged = []
    cursor: dict[str, str] = {}
    while True:
        page = collector.get(f"/profiles/{app}/history", limit="1", **cursor)
        paged += page["history"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == rows


def test_a_pasted_profile_id_is_found(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    for typed in (app.upper(), f"  {app}\n", f"%20{app.upper()}%09"):
        assert collector.get(f"/profiles/{typed.strip()}")["id"] == web
    assert collector.get("/why", a=f" {web}", b=app.upper())["verdict"] == "one"
    do(collector, f"/profiles/{web.upper()}/split", profile_ids=[f"{app.upper()} "])
    assert public_id(collector, app) == app


def test_history_says_of_an_undo_who_undid_and_why(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    number = do(collector, f"/profiles/{web}/split", profile_ids=[app])["decision"]
    made = collector.run("tokens", "add", "alice", "--scope", "write")
    headers = {"authorization": f"Bearer {made.split('admin token: ')[1].split()[0]}"}
    body = {"reason": "they are one after all"}
    undo = f"{collector.url}/identity/decisions/{number}/undo"
    assert httpx.post(undo, json=body, headers=headers).status_code == 200
    rows = collector.get(f"/profiles/{web}/history")["history"]
    told = [(row["what"], row["cause"], row["made_by"], row["reason"]) for row in rows]
    assert told == [
        ("accepted", "undo", "alice", body["reason"]),
        ("merged", "undo", "alice", body["reason"]),
        ("refused", "decision", "first start", REASON["reason"]),
        ("split", "decision", "first start", REASON["reason"]),
        ("merged", "event", None, None),
    ]
    assert {row["decision"] for row in rows[:4]} == {number}
    said = collector.run("identity", "history", web)
    assert f"decision {number} undone by alice: they are one after all" in said
    assert f"decision {number} of first start: {REASON['reason']}" in said
    changes = collector.get("/profiles/changes", since="0")["changes"]
    assert [(row["what"], row["cause"]) for row in changes] == [
        ("merged", "event"),
        ("split", "decision"),
        ("merged", "undo"),
    ]


def test_history_tells_a_changed_policy_and_an_erasure_from_events(
    collector: Any, new_collector: Any, pair: tuple[str, str], tmp_path: Path
) -> None:
    web, app = pair
    third = device(collector, identify("2026-03-01T00:00:00Z", email=ANN))
    collector.stop()
    config = tmp_path / "other.toml"
    config.write_text("[identity.kinds.email]\nmax_profile_ids = 2\n")
    other = new_collector("--config", str(config), db=collector.db).start()
    other.token = collector.token
    wait_until(lambda: public_id(other, app) == app, "the policy to be applied")
    rows = other.get(f"/profiles/{app}/history")["history"]
    assert [(row["what"], row["cause"]) for row in rows] == [
        ("split", "policy"),
        ("merged", "event"),
    ]
    assert "the policy changed" in other.run("identity", "history", app)
    other.run("erase", third, "--yes")  # two devices of the address are left
    assert public_id(other, app) == web
    rows = other.get(f"/profiles/{app}/history")["history"]
    assert (rows[0]["what"], rows[0]["cause"]) == ("merged", "erasure")
    changes = other.get("/profiles/changes", since="0")["changes"]
    assert {row["cause"] for row in changes if row["what"] == "erased"} == {"erasure"}


class Crm:
    """A client that keeps, by public id, which profiles there are, from the changes alone."""

    def __init__(self, known: list[str]) -> None:
        self.public_id = {one: one for one in known}  # of each device that the CRM knows
        self.since = 0

    def follow(self, collector: Any) -> None:
        while True:
            answer = collector.get("/profiles/changes", since=str(self.since), limit="2")
            for change in answer["changes"]:
                if change["what"] == "merged":
                    for one, profile in self.public_id.items():
                        if profile == change["other"]:
                            self.public_id[one] = change["profile"]
                else:
                    whole = collector.get(f"/profiles/{change['other']}")
                    for device_view in whole["profile_ids"]:
                        self.public_id[device_view["id"]] = whole["id"]
            self.since = answer["next"]
            if not answer["more"]:
                return


def test_a_crm_follows_merges_splits_and_a_restart(collector: Any) -> None:
    devices = [device(collector, {"type": "a"}) for _ in range(6)]
    crm = Crm(devices)

    def sign_in(one: str, **key: str) -> None:
        body = {"source": {"id": "demo"}, "profile": {"id": one}, "events": [identify(**key)]}
        assert collector.post(body).status_code == 200

    def equal() -> None:
        crm.follow(collector)
        assert crm.public_id == {one: public_id(collector, one) for one in devices}

    for one in devices[1:4]:
        sign_in(one, email=ANN)
    equal()
    sign_in(devices[0], email=ANN)  # an older one joins: the public id changes
    equal()
    split = do(collector, f"/profiles/{devices[0]}/split", profile_ids=[devices[0], devices[2]])
    equal()
    collector.kill()
    collector.start()
    sign_in(devices[4], email=ANN)
    do(collector, f"/profiles/{devices[5]}/join", other=devices[4])
    equal()
    do(collector, f"/identity/decisions/{split['decision']}/undo")
    equal()
    assert len(set(crm.public_id.values())) == 1
    assert collector.get("/profiles/changes", since=str(crm.since))["changes"] == []


# What was not joined


def test_a_value_that_too_many_use_joins_nobody_any_more_and_is_listed(collector: Any) -> None:
    devices = [device(collector, identify(phone="+41446681801")) for _ in range(100)]
    assert {public_id(collector, one) for one in devices[:3]} == {devices[0]}
    devices.append(device(collector, identify(phone="+41446681801")))
    assert [public_id(collector, one) for one in devices[:3]] == devices[:3]
    [key] = collector.get("/identity/shared")["keys"]
    assert key == {"key": {"kind": "phone", "value": "+41446681801"}, "profile_ids": 101}
    assert collector.get("/identity/shared", reason="blocked")["keys"] == []


def test_conflicts_are_listed_by_reason_in_pages(collector: Any) -> None:
    for number in range(4):
        day = f"2026-01-0{number + 1}T00:00:00Z"
        device(collector, identify(day, user_id=f"1{number}", email="f@a.ch"))
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = collector.get("/identity/conflicts", limit="2", **cursor)
        assert page["counts"]["exclusive"] == 3
        found += [link["profile_id"] for link in page["links"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(found) == len(set(found)) == 3
    assert collector.get("/identity/conflicts", reason="apart")["links"] == []


# Wrong calls


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("GET", "/why?a={known}&b=nobody", None, 404, "nobody"),
        ("GET", "/profiles/nobody/graph", None, 404, "nobody"),
        ("GET", "/profiles/{known}/graph?format=png", None, 422, "format"),
        (
            "GET",
            "/profiles/{known}/graph?limit=2001",
            None,
            422,
            "limit: expected a whole number from 1 to 2000, got '2001'",
        ),
        ("GET", "/profiles/nobody/history", None, 404, "nobody"),
        ("GET", "/profiles/{known}/history?cursor=x", None, 422, "next_cursor"),
        ("GET", "/profiles/changes?since=-1", None, 422, "since"),
        ("GET", "/profiles/changes?since=999999", None, 422, "since=0"),
        (
            "GET",
            "/identity/conflicts?reason=x",
            None,
            422,
            "reason: expected one of apart, exclusive, limit, link_refused, unsettled, got 'x'",
        ),
        (
            "GET",
            "/identity/shared?limit=0",
            None,
            422,
            "limit: expected a whole number from 1 to 1",
        ),
        ("GET", "/why?a={known}", None, 422, "b: is missing; expected a text"),
        ("GET", "/profiles/email:ann@trail.ch", None, 404, "GET /profiles?key=KIND:VALUE"),
        ("GET", "/identity/conflicts?cursor=WzFd", None, 422, "next_cursor"),
        ("POST", "/profiles/{known}/split", {}, 422, "reason: is missing; expected a text of 1 to"),
        (
            "POST",
            "/profiles/{known}/split",
            {"reason": ""},
            422,
            "reason: expected a text of 1 to 500 characters, not spaces alone, got ''",
        ),
        ("POST", "/profiles/{known}/split", {"reason": "x" * 501}, 422, "of 501 characters"),
        ("POST", "/profiles/{known}/split", {"reason": " \t"}, 422, "not spaces alone"),
        (
            "POST",
            "/profiles/{known}/split",
            {"reason": 5},
            422,
            "500 characters, not spaces alone, got 5",
        ),
        ("POST", "/profiles/{known}/split", [], 422, "body: expected an object, got an array"),
        (
            "POST",
            "/profiles/{known}/split",
            {"reason": "x", "profile_ids": ["a", {}]},
            422,
            "profile_ids[1]: expected a text, got an object",
        ),
        (
            "POST",
            "/profiles/{known}/split",
            {"reason": "x", "link": {"profile_id": "{known}"}},
            422,
            "link.key: is missing; expected a text",
        ),
        ("POST", "/profiles/{known}/split", {"reason": "x"}, 422, "profile_ids"),
        ("POST", "/profiles/{known}/split", {"reason": "x", "profile_id": []}, 422, "profile_id"),
        (
            "POST",
            "/profiles/{known}/split",
            {"reason": "x", "profile_ids": ["{known}"]},
            422,
            "stay",
        ),
        (
            "POST",
            "/profiles/{known}/split",
            {"reason": "x", "profile_ids": ["nobody"]},
            404,
            "nobody",
        ),
        (
            "POST",
            "/profiles/{known}/split",
            {"reason": "x", "profile_ids": ["{other}"]},
            422,
            "not of this profile",
        ),
        (
            "POST",
            "/profiles/{known}/split",
            {"reason": "x", "link": {"profile_id": "{known}", "key": "email:z@z.ch"}},
            404,
            "graph",
        ),
        ("POST", "/profiles/{known}/join", {"reason": "x", "other": "nobody"}, 404, "nobody"),
        ("POST", "/profiles/{known}/join", {"reason": "x", "other": "{known}"}, 422, "same"),
        ("POST", "/identity/refuse-key", {"reason": "x", "key": "shoe:1"}, 422, "KIND:VALUE"),
        ("POST", "/identity/refuse-key?dryrun=1", {"reason": "x", "key": "x"}, 422, "dry_run"),
        ("POST", "/identity/decisions/999/undo", {"reason": "x"}, 404, "999"),
        ("POST", "/identity/decisions/x/undo", {"reason": "x"}, 422, "decision"),
    ],
)
def test_wrong_calls_are_answered_in_words(  # noqa: PLR0913, PLR0917 - a table
    standing_collector: Any, method: str, path: str, body: Any, status: int, words: str
) -> None:
    known, other = (device(standing_collector, {"type": "a"}) for _ in range(2))
    text = json.dumps(body).replace("{known}", known).replace("{other}", other)
    answer = ask(standing_collector, method, path.replace("{known}", known), json.loads(text))
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/why?a=x&b=y"),
        ("GET", "/profiles/x/graph"),
        ("GET", "/profiles/x/history"),
        ("GET", "/profiles/changes"),
        ("GET", "/identity/decisions"),
        ("GET", "/identity/shared"),
        ("GET", "/identity/conflicts"),
        ("POST", "/profiles/x/split"),
        ("POST", "/profiles/x/join"),
        ("POST", "/identity/refuse-key"),
        ("POST", "/identity/decisions/1/undo"),
    ],
)
def test_nothing_is_told_or_done_without_a_token(
    standing_collector: Any, method: str, path: str
) -> None:
    answer = httpx.request(method, standing_collector.url + path, json=REASON)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")


def test_a_token_that_may_only_read_decides_nothing(collector: Any, pair: tuple[str, str]) -> None:
    made = collector.run("tokens", "add", "support", "--scope", "read")
    headers = {"authorization": f"Bearer {made.split('admin token: ')[1].split()[0]}"}
    asked = httpx.get(
        f"{collector.url}/why", params=dict(zip("ab", pair, strict=True)), headers=headers
    )
    assert asked.status_code == 200
    for path in (f"/profiles/{pair[0]}/join?dry_run=1", "/identity/refuse-key"):
        answer = httpx.post(collector.url + path, json=REASON, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


def test_what_was_erased_is_told_nowhere(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    stranger = device(collector, {"type": "a"})
    do(collector, f"/profiles/{web}/split", profile_ids=[app])
    do(collector, f"/profiles/{app}/join", other=stranger)
    do(collector, f"/profiles/{app}/erase")
    assert ask(collector, "GET", f"/profiles/{app}").status_code == 404
    assert ask(collector, "GET", f"/why?a={web}&b={app}").status_code == 404
    changes = collector.get("/profiles/changes")["changes"]
    assert [change["other"] for change in changes if change["what"] == "erased"] == [app, stranger]
    told = [
        [change for change in changes if change["what"] != "erased"],
        collector.get(f"/profiles/{web}/history"),
        collector.get(f"/profiles/{web}/graph"),
        collector.get("/identity/decisions"),
        collector.get("/identity/conflicts", reason="apart"),
    ]
    assert app not in json.dumps(told)
    assert stranger not in json.dumps(told)
