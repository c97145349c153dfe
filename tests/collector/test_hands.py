"""A device that changes hands, and answers that are lost: nobody gets what the next one did."""

import asyncio
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.collector.store.test_histories import compare
from tests.collector.test_device_keys import identify as signs_in
from tests.collector.test_device_keys import profile_ids
from tests.collector.test_device_keys import send as send_segment
from tests.collector.test_device_keys import track as tracks
from tests.collector.test_erasure import erase

from onetrail_collector.identity.policy import Policy
from onetrail_collector.ingest import Ingest
from onetrail_collector.store.sqlite import SqliteStore
from onetrail_collector.wire.envelope import Envelope, Event


def event(name: str, session: str | None = None, user: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"id": str(uuid4()), "type": name}
    if user is not None:
        made |= {"type": "identify", "properties": {"user_id": user}}
    return made if session is None else {**made, "session": {"id": session}}


def send(
    collector: Any, *events: dict[str, Any], profile: str | None = None, session: str | None = None
) -> str:
    """A request; the profile ID of its answer."""
    body: dict[str, Any] = {"source": {"id": "demo"}, "events": list(events)}
    if profile is not None:
        body["profile"] = {"id": profile}
    if session is not None:
        body["session"] = {"id": session}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["profile"]["id"]
    return found


def of(collector: Any, profile: str) -> list[str]:
    """The types of the events that are stored under a profile ID, in the order of arrival."""
    rows = collector.rows(
        "SELECT type FROM events JOIN profile_ids ON profile_ids.id = events.profile_id"
        " WHERE public_id = ? ORDER BY events.id",
        profile,
    )
    return [row[0] for row in rows]


@pytest.fixture
def ann(collector: Any) -> str:
    """A device on which Ann has signed in, in the session s1."""
    return send(collector, event("identify", user="ann"), session="s1")


def test_a_retry_without_a_session_gets_the_new_profile_id(collector: Any, ann: str) -> None:
    sign_in = event("identify", user="bob")
    bob = send(collector, sign_in, profile=ann)
    assert bob != ann
    assert send(collector, sign_in, profile=ann) == bob
    assert send(collector, sign_in, event("order"), profile=ann) == bob
    assert of(collector, bob) == ["identify", "order"]
    assert of(collector, ann) == ["identify"]


def test_an_event_id_of_another_device_gives_nobody_its_profile_id(
    collector: Any, ann: str
) -> None:
    """As of a client that counts its events from 1."""
    other = event("click")
    assert send(collector, other) != ann
    assert send(collector, other, profile=ann) == ann


@pytest.mark.parametrize("asked", ["the profile ID before", "a new session", "nothing"])
def test_an_event_id_that_can_be_guessed_tells_nobody_a_profile_id(
    collector: Any, ann: str, asked: str
) -> None:
    bob = send(collector, event("identify", "s2", "bob"), profile=ann, session="s2")
    send(collector, {**event("order"), "id": "5"}, profile=bob, session="s2")
    profile = None if asked == "nothing" else ann
    session = "s9" if asked == "a new session" else None
    guess = {**event("order"), "id": "5"}
    assert send(collector, guess, event("planted"), profile=profile, session=session) != bob
    assert "planted" not in of(collector, bob)


def test_who_had_a_device_before_keeps_what_was_theirs_when_the_next_is_erased(
    collector: Any, ann: str
) -> None:
    """Also where the session goes on under the next one's profile ID, and for retries."""
    before, sign_in = event("before"), event("identify", user="bob")
    bob = send(collector, before, sign_in, profile=ann, session="s1")
    assert bob != ann
    erase(collector, bob)
    held = collector.rows(
        "SELECT DISTINCT sessions.profile_id FROM sessions JOIN events ON session = sessions.id"
    )
    assert held == [(1,)]
    assert of(collector, ann) == ["identify", "before"]
    for events in ([before], [before, event("late")]):
        assert send(collector, *events, profile=ann, session="s1") == ann
        assert send(collector, *events, profile=ann) == ann
    assert of(collector, ann) == ["identify", "before", "late"]
    assert send(collector, before, sign_in, profile=ann) != ann  # hands changed, to nobody known


def test_hands_change_twice_and_the_first_knows_of_neither(collector: Any, ann: str) -> None:
    bob = send(collector, event("identify", "s2", "bob"), profile=ann, session="s2")
    sign_in = event("identify", "s3", "cat")
    cat = send(collector, sign_in, profile=bob, session="s3")
    assert send(collector, sign_in, event("order"), profile=ann, session="s4") == cat
    assert of(collector, cat) == ["identify", "order"]
    erase(collector, bob)
    assert send(collector, sign_in, event("more"), profile=ann, session="s5") == cat


def test_a_named_device_that_changed_hands_twice_leaves_the_first_ones_session(
    collector: Any,
) -> None:
    device = {"anonymousId": "a"}
    session = {"context": {"sessionId": 7}}
    send_segment(collector, signs_in("17", **device, **session))
    for user in ("18", "19"):
        send_segment(collector, signs_in(user, **device))
    send_segment(collector, tracks("order", **device, **session))
    holders = "SELECT profile_id FROM events WHERE type = 'order'"
    assert collector.rows(holders) == [(3,)]


def test_what_follows_a_lost_answer_in_a_new_session_is_the_new_persons(
    collector: Any, ann: str
) -> None:
    sign_in, order = event("identify", "s2", "bob"), event("order", "s2")
    bob = send(collector, sign_in, order, profile=ann, session="s2")
    assert send(collector, sign_in, order, event("start"), profile=ann, session="s3") == bob
    assert send(collector, event("more"), profile=ann, session="s3") == bob
    assert of(collector, bob) == ["identify", "order", "start", "more"]


def test_a_request_that_holds_the_sign_in_and_later_sessions(collector: Any, ann: str) -> None:
    """What was done before it, and before it only, is of the one before."""
    events = [
        event("before", "s2"),
        event("identify", "s2", "bob"),
        event("after", "s2"),
        event("start", "s3"),
        event("start", "s4"),
    ]
    bob = send(collector, *events, profile=ann, session="s4")
    assert of(collector, ann) == ["identify", "before"]
    assert of(collector, bob) == ["identify", "after", "start", "start"]
    assert send(collector, *events, profile=ann, session="s4") == bob
    assert send(collector, event("more"), profile=ann, session="s3") == bob


def test_a_later_session_that_is_known_goes_on_under_the_new_profile_id(
    collector: Any, ann: str
) -> None:
    """Nothing told at first that it was after the sign-in; the retry does."""
    sign_in = event("identify", "s2", "bob")
    bob = send(collector, sign_in, profile=ann, session="s2")
    assert send(collector, event("start"), profile=ann, session="s3") == ann
    assert send(collector, sign_in, event("later"), profile=ann, session="s3") == bob
    assert send(collector, event("more"), session="s3") == bob
    assert of(collector, bob) == ["identify", "later", "more"]


def test_hands_that_change_there_and_back(collector: Any, ann: str) -> None:
    """Three profile IDs, as Ann's first one is not given again; whichever answers were lost."""
    there, back = event("identify", "s2", "bob"), event("identify", "s2", "ann")
    bob = send(collector, there, profile=ann, session="s2")
    again = send(collector, there, back, profile=ann, session="s2")
    assert len({ann, bob, again}) == 3
    for later in ("s3", "s4"):
        assert send(collector, there, back, event("x"), profile=ann, session=later) == again
    assert send(collector, back, event("x"), profile=bob, session="s5") == again
    assert of(collector, bob) == ["identify"]
    assert of(collector, again) == ["identify", "x", "x", "x"]


def test_a_late_request_takes_nothing_back(collector: Any, ann: str) -> None:
    """Bob signed in before Cat, who has the device now, but his request comes after hers."""
    send(collector, event("begun", "s2"), profile=ann, session="s2")
    cat = send(collector, event("identify", "s3", "cat"), profile=ann, session="s3")
    of_bob = event("identify", "s2", "bob")
    assert send(collector, of_bob, event("x", "s3"), profile=cat, session="s3") == cat
    for _ in range(2):
        late = send(collector, of_bob, event("y", "s3"), event("z"), profile=cat, session="s4")
        assert late == cat
    assert send(collector, event("more"), profile=cat, session="s3") == cat
    assert of(collector, cat) == ["identify", "x", "y", "z", "y", "z", "more"]
    assert collector.rows("SELECT count(*) FROM profile_ids") == [(3,)]


def test_leftovers_of_an_earlier_session_stay_the_one_befores(collector: Any, ann: str) -> None:
    bob = send(collector, event("identify", user="bob"), profile=ann, session="s2")
    send(collector, event("leftover", "s1"), event("now"), profile=bob, session="s2")
    assert of(collector, ann) == ["identify", "leftover"]
    assert of(collector, bob) == ["identify", "now"]


def test_an_erased_persons_sign_in_of_which_nothing_is_stored_counts_as_well(
    collector: Any, ann: str
) -> None:
    erase(collector, send(collector, event("identify", user="bob"), session="bob's own"))
    sign_in = event("identify", "s2", "bob")
    bob = send(collector, sign_in, profile=ann, session="s2")
    for _ in range(2):
        assert send(collector, sign_in, event("start"), profile=ann, session="s3") == bob
    assert of(collector, ann) == ["identify"]
    assert of(collector, bob) == ["start", "start"]


def test_retries_at_once_get_one_profile_id(collector: Any, ann: str) -> None:
    sign_in = event("identify", "s2", "bob")
    with ThreadPoolExecutor(16) as pool:
        answers = pool.map(
            lambda n: send(collector, sign_in, event("x"), profile=ann, session=f"s{3 + n % 4}"),
            range(48),
        )
        assert len(set(answers) - {ann}) == 1
    assert collector.rows("SELECT count(*) FROM profile_ids") == [(2,)]
    assert of(collector, ann) == ["identify"]
    compare(collector.db, Policy())


def test_a_named_device_goes_on_under_the_new_profile_id_in_each_of_its_sessions(
    collector: Any,
) -> None:
    """Segment's: some messages name a session, and others none, as those of a server."""
    device = {"anonymousId": "a"}
    in_session = {"anonymousId": "a", "context": {"sessionId": 7}}
    send_segment(collector, signs_in("17", **device), tracks("of 17", **in_session))
    sign_in, later = signs_in("18", **device), tracks("of 18", **in_session)
    for _ in range(2):
        send_segment(collector, sign_in, later)
    send_segment(collector, tracks("of 18", **device), tracks("of 18", **in_session))
    send_segment(collector, tracks("of 18", **in_session), tracks("of 18", **device))
    assert profile_ids(collector, "of 17") == [1]
    assert profile_ids(collector, "of 18") == [2] * 5
    send_segment(collector, signs_in("19", **in_session))
    send_segment(collector, tracks("of 19", **device), tracks("of 19", **in_session))
    assert profile_ids(collector, "of 19") == [3, 3]


@dataclass
class Device:
    """An app that keeps the order: what was not answered goes first in the next request."""

    draw: Random
    profile: str | None = None
    session: str = "s0"
    waiting: list[Event] = field(default_factory=list)
    users: dict[str, int] = field(default_factory=dict)  # event id -> how often hands had changed
    user: str = ""
    times: int = 0

    def act(self) -> None:
        """Something happens: an event, a sign-in, a restart."""
        chance = self.draw.random()
        if chance < 0.2:
            self.session = f"s{len(self.users)}"
        if chance > 0.75:
            user = self.draw.choice("abc")
            self.times += self.user not in {"", user}
            self.user = user
        name = "identify" if chance > 0.75 else "click"
        properties = json.dumps({"user_id": self.user} if chance > 0.75 else {})
        made = Event(0, str(UUID(int=len(self.users))), name, properties, session=self.session)
        self.users[made.id] = self.times
        self.waiting.append(made)

    def request(self) -> tuple[Envelope, int]:
        """The oldest that wait, in a request of the newest session; how many."""
        count = self.draw.randint(1, len(self.waiting))
        if self.profile is None:  # as in the SDK: sessions are told apart until one is answered
            own = [one.session == self.waiting[0].session for one in self.waiting[:count]]
            count = own.index(False) if False in own else count
        events = [
            Event(i, one.id, one.type, one.properties, session=one.session)
            for i, one in enumerate(self.waiting[:count])
        ]
        return Envelope("demo", events, session=events[-1].session, profile=self.profile), count


@pytest.mark.parametrize("seed", range(40))
def test_whatever_answers_are_lost_each_event_is_of_whoever_had_the_device(
    tmp_path: Path, seed: int
) -> None:
    """Requests are cut off before and after the commit, sent twice at once, and come late."""

    async def run() -> dict[str, int]:
        draw = Random(seed)  # noqa: S311 - no secret
        device = Device(draw)
        store = await SqliteStore.open(tmp_path / "a.db", synchronous="normal")
        await store.add_source("demo", name="demo", origins=[], now_ms=0)
        ingest = Ingest(store, Policy(), clock=lambda: 1000)
        ingest.start()
        sent: list[Envelope] = []
        for _ in range(60):
            for _ in range(draw.randint(0, 4)):
                device.act()
            if not device.waiting or draw.random() < 0.2:
                continue  # offline
            envelope, count = device.request()
            copies = draw.choice([1, 1, 2])
            receipts = await asyncio.gather(*(ingest.submit(envelope) for _ in range(copies)))
            assert len({receipt.profile for receipt in receipts}) == 1
            sent.append(envelope)
            if draw.random() < 0.5:  # the answer arrives
                device.profile = receipts[0].profile
                del device.waiting[:count]
            if draw.random() < 0.2:
                receipt = await ingest.submit(draw.choice(sent))
                assert receipt.accepted == 0
        await ingest.close()
        await store.close()
        return device.users

    had = asyncio.run(run())
    compare(tmp_path / "a.db", Policy())
    assert_one_profile_id_each(tmp_path / "a.db", had)


def assert_one_profile_id_each(db: Path, had: dict[str, int]) -> None:
    """Events have the same profile ID exactly if hands did not change between them."""
    with sqlite3.connect(db) as connection:
        rows = connection.execute("SELECT event_id, profile_id FROM events").fetchall()
    assert len(rows) > 20
    pairs = {(had[event_id], profile_id) for event_id, profile_id in rows}
    assert len(pairs) == len({times for times, _ in pairs}) == len({one for _, one in pairs})
