"""What one connection, and one address, may hold before there is a request to refuse."""

import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from onetrail_collector.connections import phase
from onetrail_collector.errors import Refused
from onetrail_collector.http_bounds import MAX_HEAD_BYTES, MAX_HEADERS, MAX_PIPELINED, Visitors
from onetrail_collector.limits import Limits

ASK = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


@contextmanager
def connected(collector: Any, sent: bytes = b"") -> Iterator[socket.socket]:
    with closing(socket.create_connection(("127.0.0.1", collector.port), timeout=20)) as client:
        client.sendall(sent)
        yield client


def answer_to(client: socket.socket) -> tuple[int, Any]:
    """Status and JSON of the last answer, after which the connection ends."""
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:  # it had sent more than was read
        pass
    head, _, body = received[received.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def now_mb(collector: Any, what: str = "VmRSS") -> float:
    status = Path(f"/proc/{collector._process.pid}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0]) / 1024


def batch(*events: dict[str, Any]) -> dict[str, Any]:
    return {"source": {"id": "demo"}, "events": [*events]}


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_head_is_bounded(standing_collector: Any, in_parts: bool) -> None:  # noqa: FBT001
    head = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * (MAX_HEAD_BYTES + 1000)
    with connected(standing_collector) as client:
        for start in range(0, len(head), 1000 if in_parts else len(head)):
            client.sendall(head[start : start + (1000 if in_parts else len(head))])
            if in_parts:
                time.sleep(0.001)
        status, body = answer_to(client)
    assert (status, body["error"]) == (431, "head_too_large")
    assert str(MAX_HEAD_BYTES) in body["detail"]


def test_a_large_body_is_no_large_head(standing_collector: Any) -> None:
    events = [{"type": "a", "properties": {"x": "y" * 30_000}}] * 20
    with httpx.Client(base_url=standing_collector.url) as client:
        for _ in range(3):
            assert client.post("/track", json=batch(*events)).json()["accepted"] == 20
            assert client.get("/healthz").status_code == 200


def test_what_is_not_http_gets_the_one_error_shape(standing_collector: Any) -> None:
    with connected(standing_collector, b"\x16\x03\x01 a TLS hello\r\n\r\n") as client:
        status, body = answer_to(client)
    assert (status, body["error"]) == (400, "bad_request")


def test_the_number_of_headers_is_bounded(standing_collector: Any) -> None:
    """Five bytes on the line are a hundred in memory."""
    headers = b"".join(b"x-%d: 1\r\n" % number for number in range(MAX_HEADERS + 2))
    with connected(standing_collector, b"GET /healthz HTTP/1.1\r\n" + headers) as client:
        status, body = answer_to(client)
    assert (status, body["error"]) == (431, "head_too_large")
    assert str(MAX_HEADERS) in body["detail"]


@pytest.mark.parametrize("in_parts", [False, True])
def test_trailers_are_bounded_as_a_head_is(standing_collector: Any, in_parts: bool) -> None:  # noqa: FBT001
    head = b"POST /track HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    with connected(standing_collector, head + b"2\r\n{}\r\n0\r\nx-a: ") as client:
        try:
            for _ in range(50 if in_parts else 2):
                time.sleep(0.01)
                client.sendall(b"a" * (1_000 if in_parts else 50_000))
        except (ConnectionResetError, BrokenPipeError):
            pass
        status, body = answer_to(client)
    assert (status, body["error"]) == (431, "head_too_large")


def test_a_body_in_chunks_with_trailers_is_taken(standing_collector: Any) -> None:
    event = json.dumps(batch({"type": "a"})).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in event)
    head = b"POST /track HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    sent = head + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\nx-sum: 1\r\n\r\n"
    with connected(standing_collector, sent) as client:
        assert answer_to(client)[0] == 200


def test_requests_that_wait_on_one_connection_are_bounded(collector: Any) -> None:
    """14,000 requests fit into what is read at once, and were 18 MB in memory."""
    assert httpx.get(collector.url + "/healthz").status_code == 200
    before_mb = now_mb(collector, "VmHWM")
    with ExitStack() as clients:
        crowd = [clients.enter_context(connected(collector)) for _ in range(20)]
        for client in crowd:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n" * 14_000)
        for client in crowd:
            status, body = answer_to(client)
            assert (status, body["error"]) == (400, "bad_request")
            assert str(MAX_PIPELINED) in body["detail"]
    assert now_mb(collector, "VmHWM") - before_mb < 30


def test_a_few_requests_at_once_are_answered_in_turn(standing_collector: Any) -> None:
    last = ASK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    with connected(standing_collector, ASK * MAX_PIPELINED + last) as client:
        received = b""
        while part := client.recv(65536):
            received += part
    assert received.count(b"HTTP/1.1 200 ") == MAX_PIPELINED + 1


def test_a_connection_that_closes_is_not_waited_for_without_end() -> None:
    """It was told that this is no HTTP, and reads nothing: it would be held for ever."""
    closing_one = SimpleNamespace(is_closing=lambda: True)
    connection: Any = SimpleNamespace(cycle=None, scope=None, transport=closing_one)
    assert phase(connection) == ("answer", None)


def test_a_form_without_end_is_no_way_in(standing_collector: Any) -> None:
    def endless() -> Iterator[bytes]:
        yield b"token="
        while True:
            yield b"a" * 65536

    kind = {"content-type": "application/x-www-form-urlencoded"}
    before_mb = now_mb(standing_collector)
    try:
        url = standing_collector.url + "/ui/sign-in"
        answer = httpx.post(url, content=endless(), headers=kind, timeout=20)
    except httpx.TransportError:
        pass  # cut off while it was still sending
    else:
        assert answer.status_code == 413
    assert now_mb(standing_collector) - before_mb < 16


# Addresses


def test_one_address_has_its_share_of_the_connections() -> None:
    visitors = Visitors(Limits(connections_per_address=2, trusted_proxies=["10.0.0.0/8"]))
    held = [visitors.enter("203.0.113.7"), visitors.enter("203.0.113.7")]
    with pytest.raises(Refused, match="holds 2 connections") as refused:
        visitors.enter("203.0.113.7")
    assert (refused.value.status, refused.value.retry_after_s) == (429, 2)
    assert visitors.enter("203.0.113.8") is not None
    for free in ("127.0.0.1", "::1", "10.1.2.3", ""):
        assert [visitors.enter(free) for _ in range(5)] == [None] * 5
    visitors.leave(held[0] or "")
    assert visitors.enter("203.0.113.7") == held[0]


def test_a_customer_of_ipv6_is_one_address() -> None:
    visitors = Visitors(Limits(connections_per_address=1))
    visitors.enter("2001:db8::1")
    with pytest.raises(Refused):
        visitors.enter("2001:db8::2")
    assert visitors.enter("2001:db8:0:1::1") is not None


def test_one_address_takes_no_more_than_its_room_for_bodies(limited: Callable[..., Any]) -> None:
    """Ten bodies of a megabyte that stop short: the ninth is refused, another address is not."""
    collector = limited(trusted_proxies=["127.0.0.1"])
    head = (
        "POST /track HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\nx-forwarded-for: {}\r\n\r\n"
    )
    with ExitStack() as clients:
        crowd = [clients.enter_context(connected(collector)) for _ in range(10)]
        for client in crowd:
            client.sendall(head.format("203.0.113.7").encode() + bytes(1_000_000))
        answered, _, _ = select.select(crowd, [], [], 20)
        refused = b""
        while not refused.endswith(b"}"):
            refused += answered[0].recv(65536)
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"your bodies that arrive" in refused
        other = json.dumps(batch({"type": "a", "properties": {"x": "y" * 30_000}})).encode()
        assert collector.post(other, **{"x-forwarded-for": "203.0.113.8"}).status_code == 200
