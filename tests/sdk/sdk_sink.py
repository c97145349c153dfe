"""A stand-in for the collector on a real socket: keeps what it gets, and misbehaves as told.

It stores an event once by its id, as the collector does, and issues one profile ID per session.
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import threading
import time
import uuid


class Sink:
    """Start with `with Sink() as sink`; `sink.faults` is a list of what to do wrong, in order."""

    def __init__(self, port=0):
        self.requests = []
        self.headers = []
        self.connections = set()
        self.events = {}
        self.profiles = {}
        self.faults = []
        self.every = None
        self.always = None
        self.answered = 0
        self.at_once = self.most_at_once = 0
        self.release = threading.Event()
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.sink = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends the server as a crash would: open connections are cut."""
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in list(self._server.open):
            with contextlib.suppress(OSError):
                connection.shutdown(2)  # close alone does not wake a thread that reads

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def types(self):
        return [event["type"] for event in self.events.values()]

    def fault(self):
        """The fault for this request: the next of `faults`, each third by `every`, or `always`."""
        with self.lock:
            self.answered += 1
            if self.faults:
                return self.faults.pop(0)
            if self.every and self.answered % self.every[0] == 0:
                return self.every[1]
            return self.always

    def store(self, request):
        """Keeps each event once, by its id; answers as the collector does."""
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.001)  # long enough for a second sender to be seen
        with self.lock:
            self.at_once -= 1
            self.requests.append(request)
            fresh = 0
            for event in request["events"]:
                if event["id"] not in self.events:
                    self.events[event["id"]] = event
                    fresh += 1
            session = request["session"]["id"]
            given = request.get("profile", {}).get("id")
            profile = self.profiles.setdefault(session, given or str(uuid.uuid4()))
            return {
                "profile": {"id": profile},
                "session": {"id": session},
                "accepted": fresh,
                "duplicates": len(request["events"]) - fresh,
                "rejected": [],
            }


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *args):
        self.open = set()
        super().__init__(*args)

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """Cut connections are what the tests are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for a delayed ACK

    def log_message(self, *_):
        pass

    def do_POST(self):
        sink = self.server.sink
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        sink.headers.append(dict(self.headers))
        sink.connections.add(self.client_address)
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        fault = sink.fault()
        if callable(fault):
            fault = fault(json.loads(raw))
        if isinstance(fault, str):
            getattr(self, fault)(raw)
            return
        status, what = fault if isinstance(fault, tuple) else (fault or 200, None)
        stored = sink.store(json.loads(raw)) if status < 300 else {"error": "told_to"}
        if isinstance(what, bytes):
            self.answer(status, what)
        else:
            self.answer(status, stored, what)

    def hang(self, _):
        self.server.sink.release.wait(30)
        self.cut()

    def reset(self, _):
        self.cut()

    def commit_then_cut(self, raw):
        self.server.sink.store(json.loads(raw))
        self.cut()

    def half_answer(self, raw):
        self.server.sink.store(json.loads(raw))
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        self.cut()

    def slow_answer(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.sink.release.wait(0.05):
            self.wfile.write(b"X-Slow: 1\r\n")

    def answer(self, status, body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def cut(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)
