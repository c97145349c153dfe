"""What the network and the collector can do wrong: every event tracked is stored once."""

from __future__ import annotations

import gzip
import itertools
import json
import logging
import random
import time

import crawleruseragents
import httpx
import pytest
import respx
from sdk_run import wait_until
from sdk_sink import Sink

import onetrail


def track_and_count(tracker, sink, count=200, timeout_s=20.0):
    for number in range(count):
        tracker.track("reading", number=number)
    assert tracker.flush(timeout_s=timeout_s) == 0
    assert [event["properties"]["number"] for event in sink.events.values()] == list(range(count))


@pytest.mark.parametrize("fault", ["reset", "commit_then_cut", "half_answer", 500, 503, 408, 425])
def test_every_third_answer_wrong(new_tracker, sink, quick, fault):
    """The answer cut after the commit is the case that would count twice, were it not for ids."""
    sink.every = (3, fault)
    track_and_count(new_tracker(settings=quick._replace(batch_events=20)), sink)
    assert sink.answered > 10


@pytest.mark.parametrize("fault", ["hang", "slow_answer"])
def test_an_answer_that_does_not_end_is_given_up(new_tracker, sink, quick, fault):
    """A slow loris sends a header now and then: the time-out is for the whole answer."""
    sink.faults = [fault, fault]
    tracker = new_tracker(settings=quick._replace(read_timeout_s=0.2, connect_timeout_s=0.2))
    track_and_count(tracker, sink)
    assert sink.answered >= 3


def test_retry_after_is_a_floor(new_tracker, sink):
    """The issue's 3 s, and a flush does not cut it short."""
    sink.faults = [(429, {"Retry-After": "3"})]
    tracker = new_tracker()
    tracker.track("one")
    wait_until(lambda: sink.answered)
    start = time.monotonic()
    assert tracker.flush(timeout_s=10) == 0
    assert time.monotonic() - start > 2.9
    assert sink.types == ["one"]


def test_the_collector_down_and_back(new_tracker, quick):
    """Tracked while it was down; the same port answers again later."""
    first = Sink().__enter__()
    tracker = new_tracker(url=first.url, settings=quick._replace(connect_timeout_s=0.2))
    tracker.track("before")
    assert tracker.flush() == 0
    first.stop()
    for number in range(100):
        tracker.track("reading", number=number)
    wait_until(tracker._sender.gave_up.is_set)
    with Sink(first.port) as second:
        assert tracker.flush(timeout_s=20) == 0
        assert len(second.events) == 100


def test_after_an_outage_the_first_request_is_small(new_tracker, sink):
    """A thousand devices that all come back must not each send their whole buffer at once."""
    sink.faults = [503]
    tracker = new_tracker()
    for number in range(450):
        tracker.track("reading", number=number)
    assert tracker.flush() == 0
    assert sum(len(request["events"]) for request in sink.requests) == 450
    assert max(len(request["events"]) for request in sink.requests[:1]) <= 25
    sizes = [len(request["events"]) for request in sink.requests]
    assert all(after <= 2 * before for before, after in itertools.pairwise(sizes))


def test_413_splits_until_it_fits(new_tracker, sink):
    sink.always = lambda request: 413 if len(request["events"]) > 7 else None
    track_and_count(new_tracker(), sink)
    assert max(len(request["events"]) for request in sink.requests) <= 7


def test_one_event_too_large_for_the_collector_is_set_aside(new_tracker, sink):
    sink.always = lambda request: 413 if "monster" in str(request) else None
    tracker = new_tracker()
    for kind in ("a", "b", "monster", "c"):
        tracker.track(kind)
    assert tracker.flush() == 0
    assert sink.types == ["a", "b", "c"]
    assert [(e.type, e.reason) for e in tracker._outbox.disk.ledger.aside()] == [
        ("monster", "http_413")
    ]


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_event_is_found_and_set_aside_and_its_neighbours_go_through(
    new_tracker, sink, status, caplog
):
    sink.always = lambda request: status if "poison" in str(request) else None
    tracker = new_tracker()
    for number in range(60):
        tracker.track("poison" if number == 37 else "fine", secret="word")  # noqa: S106
    assert tracker.flush() == 0
    assert sink.types == ["fine"] * 59
    assert tracker.counts() == {"delivered": 59, "set_aside": 1}
    assert "set aside" in caplog.text
    assert "word" not in caplog.text


def test_what_was_set_aside_can_be_requeued(new_tracker, sink):
    sink.always = 404
    tracker = new_tracker()
    tracker.track("one")
    tracker.track("two")
    assert tracker.flush() == 0
    assert sink.types == []
    sink.always = None
    assert tracker.requeue() == 2
    assert tracker.flush() == 0
    assert sink.types == ["one", "two"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_source_keeps_every_event(new_tracker, sink, status):
    sink.faults = [status, status]
    track_and_count(new_tracker(), sink)


def test_larger_requests_are_compressed(new_tracker, sink):
    track_and_count(new_tracker(), sink)
    assert sink.headers[-1]["Content-Encoding"] == "gzip"


def test_a_collector_that_cannot_inflate_gets_plain_bodies(new_tracker, sink):
    sink.faults = [415]
    track_and_count(new_tracker(), sink)
    assert "Content-Encoding" not in sink.headers[-1]


def test_batches_are_bounded_by_bytes(new_tracker, sink, quick):
    tracker = new_tracker(settings=quick._replace(batch_bytes=5_000))
    for number in range(20):
        tracker.track("page-view", number=number, text="x" * 2_000)
    assert tracker.flush() == 0
    assert [len(request["events"]) for request in sink.requests] == [2] * 10


def test_one_connection_is_kept(new_tracker, sink, quick):
    tracker = new_tracker(settings=quick._replace(batch_events=10))
    track_and_count(tracker, sink, count=100)
    assert len(sink.connections) == 1


def test_the_sender_survives_any_exception(new_tracker, sink, caplog, monkeypatch):
    tracker = new_tracker()
    real, calls = tracker._sender._delivery.attempt, []

    def failing():
        calls.append(1)
        if len(calls) < 3:
            raise RuntimeError("a bug")
        return real()

    monkeypatch.setattr(tracker._sender._delivery, "attempt", failing)
    with caplog.at_level(logging.CRITICAL, "onetrail"):
        tracker.track("one")
        assert tracker.flush() == 0
    assert sink.types == ["one"]


@pytest.mark.parametrize(
    "fault", [httpx.ConnectTimeout, httpx.ReadError, httpx.RemoteProtocolError, httpx.PoolTimeout]
)
def test_every_fault_of_httpx_is_only_a_delay(new_tracker, fault):
    """Precise faults that a socket shows only by luck."""
    answer = httpx.Response(200, json={"profile": {"id": "p-1"}})
    with respx.mock(base_url="http://collector.invalid") as mock:
        route = mock.post("/track").mock(side_effect=[fault("x"), fault("x"), answer])
        tracker = new_tracker(url="http://collector.invalid")
        tracker.track("one")
        assert tracker.flush() == 0
        assert route.call_count == 3
        sent = [json.loads(_plain(call.request)) for call in route.calls]
    assert len({request["events"][0]["id"] for request in sent}) == 1
    assert tracker.profile_id == "p-1"


def _plain(request):
    packed = request.headers.get("Content-Encoding") == "gzip"
    return gzip.decompress(request.content) if packed else request.content


def test_a_url_that_cannot_be_is_only_a_delay(new_tracker):
    tracker = new_tracker(url="http://[broken")
    tracker.track("one")
    assert tracker.flush(timeout_s=0.3) == 1


def test_a_program_that_seeds_random_keeps_its_sequence(new_tracker):
    """Simulations and games are repeated by a seed; back-off on another thread must not draw."""
    tracker = new_tracker(url="http://127.0.0.1:9")
    random.seed(7)
    before = random.getstate()
    tracker.track("one")
    wait_until(lambda: tracker._sender.failed >= 3)
    assert random.getstate() == before


def test_the_sdk_is_on_no_list_of_crawlers(new_tracker, sink):
    """A source that refuses crawlers would refuse it for ever, and its events would wait."""
    tracker = new_tracker()
    tracker.track("one")
    assert tracker.flush(timeout_s=5) == 0
    agent = sink.headers[0]["User-Agent"]
    assert agent == f"onetrail-python/{onetrail.__version__}"
    assert not crawleruseragents.is_crawler(agent)
