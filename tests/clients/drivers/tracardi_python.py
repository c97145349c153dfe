"""tracardi-track-client, which makes one request an event: the app around it tries again."""

import contextlib
import io
import queue
import threading
import time

import requests
from scenario import ANONYMOUS, EMAIL, KEY, TRAITS, URL, USER, play
from tracardi_track_client.tracker import track as send

waiting: queue.Queue[tuple[str, dict[str, object]]] = queue.Queue()


def deliver() -> None:
    while True:
        event, properties = waiting.get()
        while not delivered(event, properties):
            time.sleep(0.1)
        waiting.task_done()


def delivered(event: str, properties: dict[str, object]) -> bool:
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints each answer
            send(URL, KEY, None, f"{ANONYMOUS}-session", event, properties)
    except requests.ConnectionError:
        return False
    return True


def track(event: str, **properties: object) -> None:
    waiting.put((event, properties))


threading.Thread(target=deliver, daemon=True).start()
play(
    track,
    lambda: track("identify", user_id=USER, email=EMAIL, traits=TRAITS),
    waiting.join,
)
