"""Real pre-forking servers: gunicorn --preload and Celery, with the tracker made in the master."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys

import httpx
import pytest
from sdk_run import wait_until

TRACKER = """
import os
from onetrail import Settings, Tracker

settings = Settings(send_interval_s=0.05)
url, folder = os.environ["COLLECTOR"], os.environ["FOLDER"]
tracker = Tracker(url, source="demo", data_dir=folder, settings=settings)
tracker.track("master")
tracker.flush()
"""
WSGI_APP = f"""{TRACKER}
def app(environ, start_response):
    tracker.track(environ["PATH_INFO"], pid=os.getpid())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""
CELERY_APP = f"""{TRACKER}
import time
from celery import Celery

broker = os.environ["BROKER"]
app = Celery("tracking", broker="filesystem://")
app.conf.broker_transport_options = {{
    "data_folder_in": broker, "data_folder_out": broker, "control_folder": broker + "/control"
}}

@app.task
def job(number):
    tracker.track(f"job-{{number}}", pid=os.getpid())
    time.sleep(0.01)  # long enough for the other worker to get some
"""
ENQUEUE = """
import tracking
for number in range(40):
    tracking.job.delay(number)
"""


class Server:
    """A program with children of its own, all of which end with it."""

    def __init__(self, folder, module, environment):
        self.folder = folder
        self.log = folder / "server.log"
        self.environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        (folder / "tracking.py").write_text(module)

    def start(self, *words):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=10)

    def said(self, pattern):
        """What the log says; waits for it."""

        def look():
            assert self.process.poll() is None, self.log.read_text()
            return re.search(pattern, self.log.read_text())

        return wait_until(look)


@pytest.fixture
def serve(sink, tmp_path):
    """Starts servers and kills them at the end, children and all."""
    running = []

    def start(module, *words, **environment):
        environment |= {"COLLECTOR": sink.url, "FOLDER": str(tmp_path / "data")}
        server = Server(tmp_path, module, environment)
        running.append(server)
        server.start(*words)
        return server

    yield start
    for server in running:
        server.kill()


def pids(sink):
    found = {event["properties"].get("pid") for event in sink.events.values()}
    return found - {None}


def test_gunicorn_preload(sink, serve):
    """Two workers serve and track, are killed and replaced; nothing is lost, nothing doubled."""
    gunicorn = serve(
        WSGI_APP, "gunicorn", "--preload", "-w", "2", "-b", "127.0.0.1:0", "tracking:app"
    )
    address = gunicorn.said(r"Listening at: (http://\S+)")[1]
    served = []

    def ask():
        path = f"/{len(served)}"
        served.append(int(httpx.get(address + path, timeout=10).text))

    def both_have_served(before=()):
        for _ in range(10):
            ask()
        return len(set(served) - set(before)) >= 2

    wait_until(both_have_served)
    first = set(served)
    for pid in first:
        os.kill(pid, signal.SIGKILL)  # also what they have tracked and not yet sent must arrive
    wait_until(lambda: len(re.findall("Booting worker", gunicorn.log.read_text())) >= 4)
    wait_until(lambda: both_have_served(first))
    gunicorn.process.send_signal(signal.SIGTERM)
    assert gunicorn.process.wait(timeout=20) == 0, gunicorn.log.read_text()
    wait_until(lambda: len(sink.events) > len(served))
    assert sorted(sink.types) == sorted(["master", *(f"/{n}" for n in range(len(served)))])
    assert pids(sink) == set(served)
    assert len(set(served)) == 4
    assert len(set(sink.profiles.values())) == 1


def test_celery_prefork(sink, serve, tmp_path):
    """Tasks of two forked workers, through a broker of files; the program that enqueues, too."""
    (tmp_path / "broker").mkdir()
    celery = serve(
        CELERY_APP,
        *("celery", "-A", "tracking", "worker", "-P", "prefork", "-c", "2", "-l", "INFO"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        BROKER=str(tmp_path / "broker"),
    )
    celery.said(r"ready\.")
    enqueue = [sys.executable, "-c", ENQUEUE]
    subprocess.run(enqueue, cwd=tmp_path, env=celery.environment, timeout=60, check=True)
    wait_until(lambda: len(sink.events) >= 42, timeout_s=30)
    assert sorted(sink.types) == sorted(["master", "master", *(f"job-{n}" for n in range(40))])
    assert len(pids(sink)) == 2
