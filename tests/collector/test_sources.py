"""Sources: who may send, from where, with which secret; over the API and on the command line."""

import base64
from typing import Any

import httpx
import pytest


def ask(collector: Any, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {collector.token}"}
    return httpx.request(method, collector.url + path, json=body, headers=headers)


def send(collector: Any, source: str, **headers: str) -> httpx.Response:
    answer: httpx.Response = collector.post(
        {"source": {"id": source}, "events": [{"type": "a"}]}, **headers
    )
    return answer


def test_a_source_is_made_changed_and_switched_off_over_the_api(collector: Any) -> None:
    new = {"id": "shop", "name": "Our shop", "kind": "web", "origins": ["https://*.Shop.test/"]}
    made = ask(collector, "POST", "/sources", new)
    assert made.status_code == 201
    assert made.json()["origins"] == ["https://*.shop.test"]
    assert send(collector, "shop", origin="https://a.shop.test").status_code == 200
    assert send(collector, "shop", origin="https://shop.test").status_code == 403

    changed = ask(collector, "PATCH", "/sources/shop", {"origins": ["https://shop.test"]}).json()
    assert changed == {**made.json(), "origins": ["https://shop.test"]}
    assert send(collector, "shop", origin="https://shop.test").status_code == 200
    assert send(collector, "shop", origin="https://a.shop.test").status_code == 403

    assert ask(collector, "PATCH", "/sources/shop", {"enabled": False}).json()["enabled"] is False
    assert send(collector, "shop").json()["error"] == "unknown_source"
    listed = ask(collector, "GET", "/sources").json()["sources"]
    assert [source["id"] for source in listed] == ["web", "demo", "shop"]
    assert ask(collector, "GET", "/sources/shop").json() == listed[2]


def test_what_is_not_given_stays(collector: Any) -> None:
    """`sources add` of one that exists must not open it to any origin."""
    options = ("--origin", "https://a.test", "--kind", "app", "--events-per-second", "5")
    collector.run("sources", "add", "shop", "--name", "Shop", *options)
    collector.run("sources", "disable", "shop")
    assert "updated" in collector.run("sources", "add", "shop")
    source = ask(collector, "GET", "/sources/shop").json()
    assert (source["name"], source["kind"], source["enabled"]) == ("Shop", "app", True)
    assert (source["origins"], source["events_per_second"]) == (["https://a.test"], 5)
    ask(collector, "PATCH", "/sources/shop", {"events_per_second": None})
    said = collector.run("sources", "show", "shop")
    assert "the configuration's" in said
    assert "https://a.test" in said


@pytest.mark.parametrize("source", ["over the API", "on the command line"])
def test_a_secret_is_needed_once_it_is_made_and_only_the_newest_counts(
    collector: Any, source: str
) -> None:
    def new_secret() -> str:
        if source == "over the API":
            return str(ask(collector, "POST", "/sources/web/secret").json()["secret"])
        return str(collector.run("sources", "secret", "web").split()[1])

    assert send(collector, "web").status_code == 200
    first, second = new_secret(), new_secret()
    refused = [send(collector, "web"), send(collector, "web", authorization=f"Bearer {first}")]
    for answer in refused:
        assert (answer.status_code, answer.json()["error"]) == (401, "secret_required")
        assert "Authorization: Bearer" in answer.json()["detail"]
    assert send(collector, "web", authorization=f"Bearer {second}").status_code == 200
    basic = base64.b64encode(f"web:{second}".encode()).decode()
    assert send(collector, "web", authorization=f"Basic {basic}").status_code == 200
    assert send(collector, "demo").status_code == 200
    assert ask(collector, "GET", "/sources/web").json()["needs_secret"] is True
    for file in collector.db.parent.glob("collector-0.*"):
        assert second.encode() not in file.read_bytes()

    if source == "over the API":
        assert ask(collector, "DELETE", "/sources/web/secret").json()["needs_secret"] is False
    else:
        collector.run("sources", "secret", "web", "--remove")
    assert send(collector, "web").status_code == 200


def test_a_page_cannot_send_a_secret(collector: Any) -> None:
    """It is for servers: a browser asks before it sends this header, and is not allowed to."""
    preflight = httpx.options(
        collector.url + "/track",
        headers={
            "origin": "https://a.test",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization",
        },
    )
    assert "authorization" not in preflight.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in preflight.headers


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/sources", {"id": "demo"}, 409, "there is a source 'demo'"),
        ("POST", "/sources", {}, 422, "id"),
        ("POST", "/sources", {"id": "a b"}, 422, "id: "),
        ("POST", "/sources", {"id": "x" * 129}, 422, "id: expected a text of 1 to 128 characters"),
        (
            "POST",
            "/sources",
            {"id": "a", "kind": "car"},
            422,
            "kind: expected one of app, iot, server, web, got 'car'",
        ),
        ("POST", "/sources", {"id": "a", "origins": ["shop"]}, 422, "https://*.shop.example"),
        (
            "POST",
            "/sources",
            {"id": "a", "origins": ["https://a.b"] * 101},
            422,
            "at most 100 items",
        ),
        (
            "POST",
            "/sources",
            {"id": "a", "events_per_second": 0},
            422,
            "from 1 to 1000000 or null, got 0",
        ),
        (
            "POST",
            "/sources",
            {"id": "a", "origin": []},
            422,
            "origin is not a field of this call; did you mean 'origins'?",
        ),
        (
            "PATCH",
            "/sources/demo",
            {"enabled": "no"},
            422,
            "enabled: expected true or false, got 'no'",
        ),
        ("PATCH", "/sources/ghost", {}, 404, "ghost"),
        ("GET", "/sources/ghost", None, 404, "ghost"),
        ("POST", "/sources/ghost/secret", None, 404, "ghost"),
        ("DELETE", "/sources/ghost/secret", None, 404, "ghost"),
    ],
)
def test_wrong_changes_are_answered_in_words(  # noqa: PLR0913, PLR0917 - a table
    standing_collector: Any, method: str, path: str, body: Any, status: int, words: str
) -> None:
    answer = ask(standing_collector, method, path, body)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
