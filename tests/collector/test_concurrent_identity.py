"""Conflicting identifies at once, kills between commits: stored is what resolve() says of all."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Self
from uuid import uuid4

import httpx
from tests.collector.store.test_histories import compare

from onetrail_collector.identity.policy import Policy

CLIENTS = 6
PEOPLE = 5  # few, so that nearly every device contradicts another
POLICY = Policy()


class Devices:
    """Clients that identify as one person and another until they are told to stop."""

    def __init__(self, url: str) -> None:
        self.accepted = 0
        self._url = url
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(random.Random(seed),))  # noqa: S311
            for seed in range(CLIENTS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, draw: random.Random) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                session = str(uuid4())
                for _ in range(draw.randint(1, 4)):
                    events = [self._event(draw) for _ in range(draw.randint(1, 3))]
                    body = {
                        "source": {"id": "demo"},
                        "session": {"id": session},
                        "events": events,
                    }
                    try:
                        answer = client.post(f"{self._url}/track", json=body)
                    except httpx.TransportError:
                        time.sleep(0.01)
                        continue
                    assert answer.status_code == 200, answer.text
                    self.accepted += len(events)

    @staticmethod
    def _event(draw: random.Random) -> dict[str, Any]:
        properties = {
            "user_id": str(draw.randrange(PEOPLE)),
            "email": f"p{draw.randrange(PEOPLE)}@shop.test",
            "phone": f"+4179123450{draw.randrange(PEOPLE)}",
        }
        for name in draw.sample(sorted(properties), draw.randint(0, 2)):
            del properties[name]
        return {
            "id": str(uuid4()),
            "type": "identify",
            "time": f"2026-01-0{draw.randint(1, 9)}T00:00:00Z",  # late ones among them
            "properties": properties,
        }


def conflicts(collector: Any) -> int:
    [(count,)] = collector.rows("SELECT count(*) FROM links WHERE refused IS NOT NULL")
    return int(count)


def test_concurrent_conflicts_equal_from_scratch(new_collector: Callable[..., Any]) -> None:
    collector = new_collector("--demo").start()
    with Devices(collector.url) as devices:
        time.sleep(1.5)
    assert devices.accepted > 100
    assert conflicts(collector) > 10
    compare(collector.db, POLICY)


def test_kill_9_between_commits_leaves_what_resolve_says(
    new_collector: Callable[..., Any],
) -> None:
    """Six rounds, each ended at a random moment under conflicting load."""
    collector = new_collector("--demo").start()
    for seed in range(6):
        with Devices(collector.url):
            time.sleep(random.Random(seed).uniform(0.1, 0.4))  # noqa: S311 - the random moment
            collector.kill()
        compare(collector.db, POLICY)
        collector.start()
    assert conflicts(collector) > 10


def test_a_denied_consent_is_shown_by_the_profile_and_outlives_a_merge(collector: Any) -> None:
    """A grant of the same time, from the other device, does not undo it; a later one does."""
    phone, laptop = str(uuid4()), str(uuid4())
    profile = consent(collector, phone, 2, ads=False)
    consent(collector, laptop, 2, ads=True)
    assert collector.get(f"/profiles/{profile}")["traits"]["consent.ads"]["value"] is False
    consent(collector, laptop, 3, ads=True)
    assert collector.get(f"/profiles/{profile}")["traits"]["consent.ads"]["value"] is True


def test_a_denial_within_a_purpose_is_shown_beside_a_later_grant(collector: Any) -> None:
    """And a denial of the whole purpose, with the event that did it, for each of its parts."""

    def shown() -> dict[str, object]:
        traits = collector.get(f"/profiles/{profile}")["traits"]
        return {name: trait["value"] for name, trait in traits.items()}

    session = str(uuid4())
    profile = consent(collector, session, 1, marketing={"email": False})
    consent(collector, session, 2, marketing={"sms": True})
    assert shown() == {"consent.marketing.email": False, "consent.marketing.sms": True}
    consent(collector, session, 3, marketing="denied")
    assert shown() == {
        "consent.marketing": "denied",
        "consent.marketing.email": False,
        "consent.marketing.sms": "denied",
    }
    [lost] = collector.get(f"/profiles/{profile}")["traits"]["consent.marketing.sms"]["lost"]
    assert lost["value"] is True


def consent(collector: Any, session: str, day: int, **given: object) -> str:
    event = {
        "id": str(uuid4()),
        "type": "identify",
        "time": f"2026-01-0{day}T00:00:00Z",
        "properties": {"email": "ann@shop.test", "traits": {"consent": given}},
    }
    body = {"source": {"id": "demo"}, "session": {"id": session}, "events": [event]}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["profile"]["id"])
