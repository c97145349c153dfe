"""Answers of the ways in, which are written at once: as any other answer on its connection."""

import json
import socket
from contextlib import closing
from typing import Any

import pytest

from onetrail_collector.answers import Head

MANY = 20


def request(number: int, *headers: str, version: str = "1.1") -> bytes:
    body = json.dumps({"source": {"id": "demo"}, "events": [{"type": "a", "id": f"e{number}"}]})
    lines = [f"POST /track HTTP/{version}", "host: x", f"content-length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def until_it_ends(collector: Any, sent: bytes) -> bytes:
    """All that is answered, until the collector closes the connection."""
    with closing(socket.create_connection(("127.0.0.1", collector.port), timeout=20)) as client:
        client.sendall(sent)
        received = b""
        while part := client.recv(65536):
            received += part
    return received


def test_requests_sent_at_once_are_answered_in_turn(standing_collector: Any) -> None:
    sent = b"".join(map(request, range(MANY))) + request(MANY, "connection: close")
    answers = until_it_ends(standing_collector, sent).split(b"HTTP/1.1 200 ")[1:]
    bodies = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers]
    assert [body["events"] for body in bodies] == [[f"e{number}"] for number in range(MANY + 1)]


@pytest.mark.parametrize("sent", [request(1, "connection: close"), request(1, version="1.0")])
def test_a_connection_that_is_to_end_ends_and_is_told_so(
    standing_collector: Any, sent: bytes
) -> None:
    head, _, body = until_it_ends(standing_collector, sent).partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert b"connection: close" in lines
    assert b"content-length: %d" % len(body) in lines
    assert json.loads(body)["accepted"] + json.loads(body)["duplicates"] == 1


def test_a_client_that_asks_first_is_told_to_go_on(standing_collector: Any) -> None:
    head, _, body = request(1, "expect: 100-continue", "connection: close").partition(b"\r\n\r\n")
    with closing(
        socket.create_connection(("127.0.0.1", standing_collector.port), timeout=20)
    ) as client:
        client.sendall(head + b"\r\n\r\n")
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(body)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_a_head_says_itself_is_not_said_twice() -> None:
    head = Head(200, [(b"cross-origin-resource-policy", b"cross-origin")])
    assert head.lines.count(b"cross-origin-resource-policy: ") == 1
    assert b"cross-origin-resource-policy: cross-origin\r\n" in head.lines
    assert b"x-content-type-options: nosniff\r\n" in head.lines
