"""Somebody else signs in while the network fails: what comes after is theirs, whatever was lost."""

from __future__ import annotations

import http.server
import threading

import httpx
import pytest

from onetrail import Settings, Tracker

QUICK = Settings(send_interval_s=0.02, backoff_base_s=0.02, backoff_cap_s=0.1, connect_timeout_s=1)


class Network:
    """What lies between the app and the collector: it may lose requests, or only their answers."""

    def __init__(self, url):
        network = self
        self.loses = None  # "requests", "answers"
        self.lost = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if network.loses != "requests":
                    kept = ("content-type", "content-encoding", "authorization")
                    headers = {name: self.headers[name] for name in kept if self.headers[name]}
                    answer = httpx.post(url + self.path, content=body, headers=headers)
                self.close_connection = True
                if network.loses is not None:
                    network.lost += 1
                    return
                self.send_response(answer.status_code)
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def network(collector):
    with Network(collector.url) as running:
        yield running


@pytest.mark.parametrize("loses", ["answers", "requests"])
def test_after_a_restart_events_are_of_whoever_signed_in_last(collector, network, tmp_path, loses):
    def started():
        return Tracker(network.url, source="demo", data_dir=tmp_path / "app", settings=QUICK)

    with started() as tracker:
        tracker.identify(user_id="ann")
        assert tracker.flush() == 0
        ann = tracker.profile_id
    network.loses = loses
    with started() as tracker:
        tracker.identify(user_id="bob")
        tracker.track("order")
        assert tracker.flush(timeout_s=0.5) == 2
    assert network.lost
    network.loses = None
    with started() as tracker:
        tracker.track("start")
        assert tracker.flush() == 0
        bob = tracker.profile_id
        tracker.track("more")
        assert tracker.flush() == 0
    assert collector.rows(
        "SELECT public_id, type FROM events JOIN profile_ids ON profile_ids.id = profile_id"
        " ORDER BY time_ms, event_id"
    ) == [(ann, "identify"), *((bob, name) for name in ("identify", "order", "start", "more"))]
    assert ann != bob
    assert collector.get("/profiles", key="user_id:bob")["profiles"][0]["events"] == 4
    with started() as tracker:
        assert tracker.profile_id == bob
