"""Where a source demands it, only keys that its server has signed join anybody."""

import re
from typing import Any

import pytest

from onetrail import Tracker
from onetrail_collector.identity.signatures import sign

ADDRESS = "ann@shop.test"


@pytest.fixture
def secret(collector: Any) -> str:
    made = re.search(
        r"only now: ([0-9a-f]{64})$", collector.run("sources", "sign", "web"), re.MULTILINE
    )
    assert made is not None
    return made[1]


def identify(collector: Any, session: str, **properties: Any) -> Any:
    event = {"type": "identify", "properties": properties}
    body = {"source": {"id": "web"}, "session": {"id": session}, "events": [event]}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def profiles(collector: Any, key: str) -> list[Any]:
    found: list[Any] = collector.get("/profiles", key=key)["profiles"]
    return found


def test_a_strangers_key_is_a_trait_and_joins_nobody(collector: Any, secret: str) -> None:
    collector.run("sources", "sign", "web", "--require")
    known = identify(collector, "a", email=ADDRESS, signature=sign(secret, "email", ADDRESS))
    assert known["warnings"] == []
    for number, signature in enumerate([None, "00" * 32, sign(secret, "email", "bob@shop.test")]):
        stranger = identify(collector, f"stranger-{number}", email=ADDRESS, signature=signature)
        assert [warning["warning"] for warning in stranger["warnings"]] == ["unsigned"]
        own = collector.get(f"/profiles/{stranger['profile']['id']}")
        assert own["keys"] == []
        assert own["traits"]["email"]["value"] == ADDRESS
    [profile] = profiles(collector, f"email:{ADDRESS}")
    assert [device["id"] for device in profile["profile_ids"]] == [known["profile"]["id"]]


def test_each_of_several_keys_needs_its_own(collector: Any, secret: str) -> None:
    collector.run("sources", "sign", "web", "--require")
    answer = identify(
        collector,
        "a",
        email=ADDRESS,
        user_id=17,
        phone="+41446681800",
        signature={
            "email": sign(secret, "email", ADDRESS),
            "user_id": sign(secret, "user_id", "17"),
        },
    )
    assert [warning["warning"] for warning in answer["warnings"]] == ["unsigned"]
    [profile] = profiles(collector, "user_id:17")
    assert {key["kind"] for key in profile["keys"]} == {"email", "user_id"}
    assert profiles(collector, "phone:+41446681800") == []


def test_an_unsigned_customer_number_does_not_make_a_device_change_hands(
    collector: Any, secret: str
) -> None:
    collector.run("sources", "sign", "web", "--require")
    first = identify(collector, "a", user_id="17", signature=sign(secret, "user_id", "17"))
    second = identify(collector, "a", user_id="18")
    assert first["profile"] == second["profile"]


def test_until_it_is_required_everything_links(collector: Any, secret: str) -> None:
    assert secret
    assert identify(collector, "a", email=ADDRESS)["warnings"] == []
    collector.run("sources", "sign", "web", "--require")
    assert identify(collector, "b", email=ADDRESS)["warnings"] != []
    collector.run("sources", "sign", "web", "--no-require")
    assert identify(collector, "c", email=ADDRESS)["warnings"] == []


def test_a_new_secret_ends_the_old_and_is_still_required(collector: Any, secret: str) -> None:
    collector.run("sources", "sign", "web", "--require")
    collector.run("sources", "sign", "web")
    old = sign(secret, "email", ADDRESS)
    assert identify(collector, "a", email=ADDRESS, signature=old)["warnings"] != []


def test_the_sdk_passes_signatures_on(collector: Any, secret: str, tmp_path: Any) -> None:
    collector.run("sources", "sign", "web", "--require")
    with Tracker(collector.url, source="web", data_dir=tmp_path / "sdk") as tracker:
        tracker.identify(email=ADDRESS, signature=sign(secret, "email", ADDRESS))
        tracker.identify(user_id=17, signature={"user_id": sign(secret, "user_id", "17")})
    [profile] = profiles(collector, f"email:{ADDRESS}")
    assert {key["kind"] for key in profile["keys"]} == {"email", "user_id"}
