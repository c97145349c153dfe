"""Admin tokens: what each opens, and that it opens nothing more, from the moment it is revoked."""

import subprocess
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from tests.conftest import wait_until

from onetrail_collector.api.live import MAX_STREAMS
from onetrail_collector.app import OPERATIONS


def new_token(collector: Any, name: str, *scopes: str) -> str:
    options = [word for scope in scopes for word in ("--scope", scope)]
    return str(collector.run("tokens", "add", name, *options).split("admin token: ")[1].split()[0])


def ask(collector: Any, token: str, method: str, path: str) -> httpx.Response:
    """What is answered; of one that never ends, that it begins."""
    headers = {"authorization": f"Bearer {token}"}
    with httpx.stream(method, collector.url + path, headers=headers) as answer:
        if not answer.headers["content-type"].startswith("text/event-stream"):
            answer.read()
        return answer


@pytest.mark.parametrize("scope", ["read", "write", "erase"])
def test_each_call_needs_its_scope(collector: Any, scope: str) -> None:
    token = new_token(collector, "some", scope)
    for operation in OPERATIONS:
        path = operation.path.replace("{", "").replace("}", "")
        answer = ask(collector, token, operation.method, path)
        if operation.scope == scope:
            assert answer.status_code not in {401, 403}, path
        else:
            assert (answer.status_code, answer.json()["error"]) == (403, "forbidden"), path
            assert f"the scope '{operation.scope}'" in answer.json()["detail"]
            assert f"'some' has: {scope}" in answer.json()["detail"]


def test_no_call_answers_without_a_token(standing_collector: Any) -> None:
    for operation in OPERATIONS:
        path = operation.path.replace("{", "").replace("}", "")
        answer = httpx.request(operation.method, standing_collector.url + path)
        assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized"), path


def test_a_token_reads_unless_more_is_asked_for(collector: Any) -> None:
    token = new_token(collector, "support")
    assert ask(collector, token, "GET", "/counts").status_code == 200
    assert ask(collector, token, "POST", "/sources").status_code == 403
    listed = dict(line.split("\t")[:2] for line in collector.run("tokens", "list").splitlines())
    assert listed == {"first start": "read, write, erase", "support": "read"}
    assert token not in collector.run("tokens", "list")


def test_a_revoked_token_opens_nothing_from_its_next_request_on(collector: Any) -> None:
    token = new_token(collector, "leaver", "read", "write")
    assert ask(collector, token, "GET", "/counts").status_code == 200
    collector.run("tokens", "revoke", "leaver")
    assert ask(collector, token, "GET", "/counts").status_code == 401
    assert collector.get("/counts")


def test_a_stream_ends_when_its_token_is_revoked(collector: Any) -> None:
    token = new_token(collector, "leaver")
    headers = {"authorization": f"Bearer {token}"}
    with httpx.stream("GET", collector.url + "/events/live", headers=headers, timeout=20) as answer:
        parts = answer.iter_raw()
        assert next(parts) == b"retry: 1000\n\n"
        collector.run("tokens", "revoke", "leaver")
        list(parts)  # until its end


def test_streams_are_bounded_and_one_that_ends_makes_room(collector: Any) -> None:
    headers = {"authorization": f"Bearer {collector.token}"}
    url = collector.url + "/events/live"

    def status() -> int:
        with httpx.stream("GET", url, headers=headers, timeout=20) as answer:
            return answer.status_code

    limits = httpx.Limits(max_connections=MAX_STREAMS)
    with httpx.Client(headers=headers, limits=limits, timeout=20) as client, ExitStack() as streams:
        for _ in range(MAX_STREAMS):
            assert streams.enter_context(client.stream("GET", url)).status_code == 200
        assert status() == 429
    wait_until(lambda: status() == 200, "room for a stream")


def test_a_name_is_given_once(collector: Any) -> None:
    new_token(collector, "support")
    for words, said in (
        (("add", "support"), "tokens revoke support"),
        (("revoke", "ghost"), "no token named ghost"),
    ):
        done = subprocess.run(
            collector.command("tokens", *words), capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert said in done.stderr
