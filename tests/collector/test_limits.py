"""Each bound, on the real collector: what a client sees that meets it, and that others go on."""

import gzip
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard

from onetrail_collector.body import MAX_BODY_BYTES

Limited = Callable[..., Any]


def batch(*events: dict[str, Any]) -> dict[str, Any]:
    return {"source": {"id": "demo"}, "events": [*events] or [{"type": "a"}]}


@contextmanager
def connected(collector: Any, sent: bytes = b"") -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", collector.port), timeout=20)) as client:
        client.sendall(sent)
        yield client


def answer_to(client: socket.socket) -> tuple[int, Any]:
    """Status and JSON of an answer after which the connection ends."""
    received = b""
    while part := client.recv(65536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def peak_mb(collector: Any) -> float:
    status = Path(f"/proc/{collector._process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


# Rates


def test_one_address_is_told_to_wait_and_another_goes_on(limited: Limited) -> None:
    collector = limited(requests_per_second=1, burst_s=4, trusted_proxies=["127.0.0.1"])
    began_s, taken = time.monotonic(), 0
    while True:
        refused = collector.post(batch(), **{"x-forwarded-for": "203.0.113.7"})
        if refused.status_code == 429:
            break
        taken += 1
    assert 4 <= taken <= 5 + time.monotonic() - began_s
    assert refused.json()["error"] == "rate_limited"
    assert "1 requests a second" in refused.json()["detail"]
    assert refused.headers["access-control-allow-origin"] == "*"
    assert collector.post(batch(), **{"x-forwarded-for": "203.0.113.8"}).status_code == 200
    time.sleep(int(refused.headers["retry-after"]))
    assert collector.post(batch(), **{"x-forwarded-for": "203.0.113.7"}).status_code == 200


def test_an_ipv6_customer_is_one_client_however_many_addresses_it_has(limited: Limited) -> None:
    collector = limited(requests_per_second=1, burst_s=3, trusted_proxies=["127.0.0.0/8"])
    statuses = [
        collector.post(batch(), **{"x-forwarded-for": f"2001:db8::{host}"}).status_code
        for host in range(1, 6)
    ]
    assert statuses[:3] == [200] * 3
    assert statuses[-1] == 429


def test_a_forwarded_address_is_believed_of_configured_proxies_only(limited: Limited) -> None:
    """The last one that is no proxy of ours counts: what a client wrote before it does not."""
    collector = limited(requests_per_second=1, burst_s=2, trusted_proxies=["127.0.0.1"])
    forged = [
        collector.post(batch(), **{"x-forwarded-for": f"198.51.100.{n}, 203.0.113.9"}).status_code
        for n in range(4)
    ]
    assert forged[-1] == 429


def test_a_proxy_that_nobody_configured_is_said_once(limited: Limited) -> None:
    collector = limited(requests_per_second=1, burst_s=1)
    with httpx.Client(base_url=collector.url) as client:
        for _ in range(200):
            assert client.get("/healthz").status_code == 200  # a local process has no limit
        for _ in range(130):
            client.get("/healthz", headers={"x-forwarded-for": "203.0.113.9"})
    assert collector.said().count("trusted_proxies") == 1


def test_a_source_has_a_limit_of_events_which_is_changed_while_it_runs(limited: Limited) -> None:
    collector = limited(burst_s=1)
    collector.run("sources", "limits", "demo", "--events-per-second", "10")
    assert collector.post(batch(*[{"type": "a"}] * 30)).status_code == 200  # learns the limit
    assert collector.post(batch(*[{"type": "a"}] * 30)).status_code == 200  # takes what is there
    refused = collector.post(batch())
    assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")
    assert "10 events a second" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) in {2, 3}
    collector.run("sources", "add", "other")
    other = {"source": {"id": "other"}, "events": [{"type": "a"}]}
    assert collector.post(other).status_code == 200
    time.sleep(int(refused.headers["retry-after"]))
    assert collector.post(batch()).status_code == 200
    collector.run("sources", "limits", "demo")
    assert "the configuration's" in collector.run("sources", "show", "demo")


def test_guessing_tokens_is_limited_for_an_address_and_for_no_other(limited: Limited) -> None:
    collector = limited(failed_tokens_per_minute=3, trusted_proxies=["127.0.0.1"])

    def ask(token: str, address: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "x-forwarded-for": address}
        return httpx.get(collector.url + "/counts", headers=headers)

    assert [ask(f"guess{n}", "203.0.113.7").status_code for n in range(4)] == [401] * 3 + [429]
    refused = ask(collector.token, "203.0.113.7")
    assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")
    assert 0 < int(refused.headers["retry-after"]) <= 20
    assert ask(collector.token, "203.0.113.8").status_code == 200


# What one request holds


def test_a_gzip_bomb_is_refused_before_it_is_inflated(collector: Any) -> None:
    """A gigabyte in a megabyte; a body in the packing of a packing is not even looked into."""
    bomb = gzip.compress(bytes(1_000_000_000))
    assert len(bomb) < MAX_BODY_BYTES
    collector.post(batch())
    before_mb = peak_mb(collector)
    for packed, encoding in (
        (bomb, "gzip"),
        (zstandard.compress(bytes(1_000_000_000)), "zstd"),
        (gzip.compress(bomb), "gzip, gzip"),
    ):
        began_s = time.monotonic()
        answer = collector.post(packed, **{"content-encoding": encoding})
        assert answer.status_code == (415 if "," in encoding else 413)
        assert time.monotonic() - began_s < 2
    assert peak_mb(collector) - before_mb < 16


def test_a_body_without_end_is_refused_at_its_limit(standing_collector: Any) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    try:
        answer = httpx.post(standing_collector.url + "/track", content=endless(), timeout=20)
    except httpx.TransportError:
        return  # cut off while it was still sending
    assert answer.status_code == 413
    assert str(MAX_BODY_BYTES) in answer.json()["detail"]


def test_bodies_that_arrive_together_hold_no_more_than_their_share(collector: Any) -> None:
    """A hundred bodies that stop short of their end: the last ones are told to come back."""
    head = b"POST /track HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n\r\n"
    clients = []
    try:
        for _ in range(100):
            client = socket.create_connection(("127.0.0.1", collector.port), timeout=20)
            clients.append(client)
            client.settimeout(0.05)
            try:
                client.sendall(head + bytes(1_000_000))
            except OSError:
                continue
        said = []
        for client in clients:
            try:
                said.append(client.recv(65536))
            except OSError:
                said.append(b"")
        refused = [answer for answer in said if answer.startswith(b"HTTP/1.1 503")]
        assert 20 <= len(refused) <= 60
        assert b"67108864" in refused[0]
        assert peak_mb(collector) < 250
    finally:
        for client in clients:
            client.close()
    assert collector.post(batch()).status_code == 200


@pytest.mark.parametrize(
    ("fields", "levels", "accepted"),
    [("properties", 32, True), ("properties", 33, False), ("context", 33, False)],
)
def test_depth_of_an_event(
    standing_collector: Any,
    fields: str,
    levels: int,
    accepted: bool,  # noqa: FBT001
) -> None:
    deep = '{"a":' * (levels - 1) + "{}" + "}" * (levels - 1)
    event = f'{{"type":"a","{fields}":{deep}}}'
    body = f'{{"source":{{"id":"demo"}},"events":[{{"type":"a"}},{event}]}}'
    answer = standing_collector.post(body.encode()).json()
    assert answer["accepted"] == 1 + accepted
    if not accepted:
        [rejection] = answer["rejected"]
        assert rejection["error"] == "too_deep"
        assert (
            rejection["detail"] == f"events[1].{fields} is nested deeper than 32 levels: flatten it"
        )


def test_a_shared_context_that_is_too_deep_is_refused(standing_collector: Any) -> None:
    deep = '{"a":' * 40 + "1" + "}" * 40
    body = f'{{"source":{{"id":"demo"}},"context":{deep},"events":[{{"type":"a"}}]}}'
    refused = standing_collector.post(body.encode())
    assert (refused.status_code, refused.json()["error"]) == (422, "wrong_shape")
    assert "32 levels" in refused.json()["detail"]


# Time


def test_fifty_slow_clients_are_cut_off_and_hold_up_nobody(limited: Limited) -> None:
    """Slow loris: a head that never ends, a byte at a time (CVE-2007-6750)."""
    collector = limited(head_timeout_s=2)
    clients = [socket.create_connection(("127.0.0.1", collector.port)) for _ in range(50)]
    ended = threading.Event()

    def trickle() -> None:
        for client in clients:
            client.sendall(b"POST /track HTTP/1.1\r\nx-a: ")
        while not ended.wait(0.2):
            for client in clients:
                try:
                    client.sendall(b"a")
                except OSError:
                    return

    sender = threading.Thread(target=trickle)
    sender.start()
    began_s = time.monotonic()
    try:
        while time.monotonic() - began_s < 1:
            assert collector.post(batch()).status_code == 200
        for client in clients:
            client.settimeout(10)
            assert client.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert 1.5 < time.monotonic() - began_s < 6
    finally:
        ended.set()
        sender.join()
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("sent", "what"),
    [
        (b"POST /track HTTP/1.1\r\nhost: x\r\n", "headers were"),
        (b"POST /track HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{", "body was"),
    ],
)
def test_half_a_request_is_told_why_it_ends(limited: Limited, sent: bytes, what: str) -> None:
    collector = limited(head_timeout_s=1, body_timeout_s=1)
    with connected(collector, sent) as client:
        status, body = answer_to(client)
    assert (status, body["error"]) == (408, "timeout")
    assert f"{what} not here after 1 s" in body["detail"]


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"])
def test_who_says_nothing_is_let_go(limited: Limited, sent: bytes) -> None:
    collector = limited(head_timeout_s=1, idle_timeout_s=1)
    began_s = time.monotonic()
    with connected(collector, sent) as client:
        while client.recv(4096):
            pass
    assert time.monotonic() - began_s < 5


def test_line_breaks_do_not_keep_an_idle_connection(limited: Limited) -> None:
    """The parser skips them before a request, uvicorn's own time-out is gone with the first."""
    collector = limited(idle_timeout_s=1)
    began_s = time.monotonic()
    with connected(collector, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n") as client:
        received = b""
        while not received.endswith(b"}"):
            received += client.recv(4096)
        client.sendall(b"\r\n")
        assert client.recv(4096) == b""
    assert time.monotonic() - began_s < 5


def test_who_does_not_read_its_answers_is_cut_off(limited: Limited) -> None:
    collector = limited(body_timeout_s=1, idle_timeout_s=1)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with closing(client):
        client.connect(("127.0.0.1", collector.port))
        client.settimeout(15)
        few = b"GET /t.js HTTP/1.1\r\nhost: x\r\n\r\n" * 20
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            list(map(client.sendall, itertools.repeat(few)))
    assert collector.post(batch()).status_code == 200


def test_a_slow_but_steady_request_is_served(limited: Limited) -> None:
    collector = limited(head_timeout_s=2, body_timeout_s=6)
    content = json.dumps(batch()).encode()
    head = b"POST /track HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    with connected(collector, head % len(content)) as client:
        for start in range(0, len(content), 12):
            time.sleep(0.5)
            client.sendall(content[start : start + 12])
        status, body = answer_to(client)
    assert (status, body["accepted"]) == (200, 1)


# All together


def test_requests_at_once_are_bounded_and_health_is_still_answered(limited: Limited) -> None:
    collector = limited(requests_at_once=5)
    stuck = b"POST /track HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"
    clients = [socket.create_connection(("127.0.0.1", collector.port)) for _ in range(5)]
    try:
        for client in clients:
            client.sendall(stuck)
        time.sleep(0.3)
        refused = collector.post(batch())
        assert (refused.status_code, refused.json()["error"]) == (503, "busy")
        assert int(refused.headers["retry-after"]) > 0
        assert "5" in refused.json()["detail"]
        assert httpx.get(collector.url + "/healthz").status_code == 200
    finally:
        for client in clients:
            client.close()
    time.sleep(0.3)
    assert collector.post(batch()).status_code == 200


def test_connections_are_bounded_and_the_idle_ones_go_first(limited: Limited) -> None:
    collector = limited(connections=20)
    request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    clients = []
    try:
        for _ in range(30):
            clients.append(socket.create_connection(("127.0.0.1", collector.port), timeout=5))
            clients[-1].sendall(request)
            assert clients[-1].recv(4096)
        assert collector.post(batch()).status_code == 503
        time.sleep(2.2)
        assert collector.post(batch()).status_code == 200
    finally:
        for client in clients:
            client.close()
