"""The decisions behind the bounds, as pure functions: buckets, addresses, origins, depth."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.address import is_local, limit_key
from onetrail_collector.auth import presented_secret
from onetrail_collector.buckets import Buckets
from onetrail_collector.errors import Refused
from onetrail_collector.limits import Limits
from onetrail_collector.origins import InvalidOrigin, is_allowed, normal_origin
from onetrail_collector.printable import printable
from onetrail_collector.quotas import LOOK_AGAIN_S, Quotas
from onetrail_collector.refusals import MAX_OF_A_SOURCE, MAX_SOURCES, Refusals
from onetrail_collector.store.rows import Source
from onetrail_collector.wire.depth import MAX_DEPTH, depth, is_too_deep

TIMES = st.lists(st.floats(0, 5), min_size=1, max_size=200)


@given(steps_s=TIMES, per_s=st.integers(1, 20), burst_s=st.integers(1, 5))
def test_a_bucket_never_gives_more_than_its_burst_and_what_it_gained(
    steps_s: list[float], per_s: int, burst_s: int
) -> None:
    buckets, now_s, taken = Buckets(per_s, burst_s), 100.0, 0
    began_s = now_s
    for step_s in steps_s:
        now_s += step_s
        taken += buckets.take("a", now_s) == 0
    assert taken <= per_s * burst_s + per_s * (now_s - began_s) + 1e-6


@given(steps_s=TIMES, cost=st.integers(1, 50))
def test_who_waits_as_long_as_told_may_go_on(steps_s: list[float], cost: int) -> None:
    buckets, now_s = Buckets(3, 2), 100.0
    for step_s in steps_s:
        now_s += step_s
        now_s += buckets.wait_s("a", now_s)
        assert buckets.take("a", now_s, cost) == 0


def test_a_batch_larger_than_the_bucket_is_slowed_down_and_not_refused_for_ever() -> None:
    buckets = Buckets(10, 1)
    assert buckets.take("a", 0, 1000) == 0
    assert buckets.take("a", 1, 1000) == 99
    assert buckets.take("a", 100, 1000) == 0


def test_the_memory_of_buckets_is_bounded_and_the_longest_unused_goes() -> None:
    buckets = Buckets(1, 1, max_keys=3)
    for key in "abcad":
        buckets.take(key, 0)
    assert list(buckets._full_at_s) == ["c", "a", "d"]


def test_a_rate_of_0_is_no_limit() -> None:
    buckets = Buckets(0, 10)
    assert not any(buckets.take("a", 0) for _ in range(1000))
    assert buckets.wait_s("a", 0) == 0


def test_a_key_of_its_own_rate() -> None:
    buckets = Buckets(0, 2)
    taken = [buckets.take("a", 0, per_s=5) for _ in range(11)]
    assert (taken[:10], taken[10] > 0) == ([0] * 10, True)


@pytest.mark.parametrize(
    ("address", "key", "local"),
    [
        ("203.0.113.7", "203.0.113.7", False),
        ("::ffff:203.0.113.7", "203.0.113.7", False),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", False),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64", False),
        ("fe80::1%eth0", "fe80::/64", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::/64", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("unknown", "unknown", False),
        ("x" * 500, "x" * 64, False),
    ],
)
def test_addresses(address: str, key: str, local: bool) -> None:  # noqa: FBT001
    assert (limit_key(address), is_local(address)) == (key, local)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://*.shop.test", "https://*.shop.test"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("shop.example", None),
        ("https://shop.example/page", None),
        ("https://*", None),
        ("https://*.test", None),
        ("https://a.*.test", None),
        ("*", None),
        ("", None),
    ],
)
def test_origins_as_people_write_them(written: str, normal: str | None) -> None:
    if normal is not None:
        assert normal_origin(written) == normal
        return
    with pytest.raises(InvalidOrigin, match=r"https://\*\.shop\.example"):
        normal_origin(written)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.shop.test", True),
        ("https://b.a.shop.test", True),
        ("https://shop.test", False),
        ("http://a.shop.test", False),
        ("https://a.shop.test:8443", False),
        ("https://evilshop.test", False),
        ("https://evil.test/.shop.test", False),
        ("https://evil.test#.shop.test", False),
        ("https://a@.shop.test", False),
        ("https://.shop.test", False),
        ("https://a.shop.test.evil.test", False),
        ("https://exact.example", True),
        ("null", False),
        ("", False),
    ],
)
def test_a_wildcard_covers_subdomains_and_nothing_that_looks_like_one(
    origin: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    assert is_allowed(origin, ("https://*.shop.test", "https://exact.example")) is allowed


def test_no_origins_allow_any() -> None:
    assert is_allowed("https://any.example", ())


@pytest.mark.parametrize(
    ("value", "levels"),
    [({}, 1), ({"a": []}, 2), ({"[[{": '\\"[['}, 1), ({"a": [{"b": [1]}, {}]}, 4)],
)
def test_depth(value: Any, levels: int) -> None:
    assert depth(json.dumps(value).encode()) == levels


@given(st.recursive(st.text(alphabet='[]{}"\\ab'), lambda inner: st.lists(inner, min_size=1)))
def test_depth_is_what_a_reader_of_json_finds(value: Any) -> None:
    def levels(part: Any) -> int:
        return 1 + max(map(levels, part), default=0) if isinstance(part, list) else 0

    text = json.dumps(value).encode()
    assert depth(text) == levels(value)
    assert is_too_deep(text) is (levels(value) > MAX_DEPTH)


@pytest.mark.parametrize("levels", [MAX_DEPTH, MAX_DEPTH + 1])
def test_the_shortest_that_is_too_deep_is_found(levels: int) -> None:
    text = b'{"":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"
    assert is_too_deep(text) is (levels > MAX_DEPTH)


@pytest.mark.parametrize(
    ("header", "presents"),
    [
        (b"Bearer secret", True),
        (b"bearer  secret", True),
        (b"Basic d2ViOnNlY3JldA==", True),  # web:secret
        (b"Basic d2ViOg==", False),  # web: with no password, as Segment's clients send
        (b"Basic !", False),
        (b"Bearer", False),
        (b"Digest secret", False),
    ],
)
def test_a_secret_is_a_bearer_or_a_password(header: bytes, presents: bool) -> None:  # noqa: FBT001
    assert (presented_secret(header) == presented_secret(b"Bearer secret")) is presents


def test_a_raised_limit_is_found_though_everything_is_refused() -> None:
    quotas = Quotas(Limits(events_per_second=10, burst_s=1))
    low = Source(1, "a", "a", (), enabled=True, created_ms=0, events_per_second=1)
    quotas.learn([low], 0)
    quotas.admit("a", 1000, 0)
    with pytest.raises(Refused) as refused:
        quotas.admit("a", 1, 1)
    assert (refused.value.status, refused.value.retry_after_s) == (429, 999)
    quotas.admit("a", 1, LOOK_AGAIN_S)  # goes on to a commit, which looks again
    with pytest.raises(Refused):
        quotas.admit("a", 1, LOOK_AGAIN_S)
    quotas.learn([low._replace(events_per_second=1_000_000)], LOOK_AGAIN_S)
    quotas.admit("a", 1, LOOK_AGAIN_S + 0.1)


def test_a_source_that_does_not_exist_takes_no_memory() -> None:
    quotas = Quotas(Limits())
    for number in range(100):
        quotas.admit(f"guess-{number}", 1, 0)
    assert not quotas._buckets._full_at_s


def test_what_is_refused_of_a_request_counts_and_an_empty_one_is_not_free() -> None:
    """Both are written: a session for the empty one, the quarantine for the refused."""
    quotas = Quotas(Limits(events_per_second=10, burst_s=1))
    quotas.learn([Source(1, "a", "a", (), enabled=True, created_ms=0)], 0)
    for _ in range(10):
        quotas.admit("a", 0, 0)
    with pytest.raises(Refused):
        quotas.admit("a", 0, 0)


def test_refusals_under_names_that_strangers_make_up_are_bounded() -> None:
    refusals = Refusals(lambda: 0)
    for number in range(3 * MAX_SOURCES):
        refusals.note(f"made-up-{number}", Refused(403, "bot", "a crawler"))
    assert len(refusals._of) <= MAX_SOURCES + 1
    assert len(refusals.newest(None)) <= MAX_SOURCES + MAX_OF_A_SOURCE


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Zoë 漢字", "Zoë 漢字"),
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
    ],
)
def test_a_strangers_text_gives_a_terminal_no_command(sent: str, shown: str) -> None:
    assert printable(sent) == shown


@pytest.mark.parametrize(
    "properties",
    [
        b'{"a":[' + b",".join([b"[]"] * 10_000) + b"]}",
        b'{"a":"' + b"{[" * 16_000 + b'"}',
        b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"a":"' + b'\\\\\\"' * 8_000 + b'"}',
    ],
)
def test_the_worst_for_the_depth_takes_no_longer_than_reading_it_in_python(
    properties: bytes,
) -> None:
    """A megabyte of brackets held the collector up for a second."""

    def cpu_s(read: Callable[[], object]) -> float:
        began_s = time.process_time()
        for _ in range(20):
            read()
        return time.process_time() - began_s

    assert cpu_s(lambda: is_too_deep(properties)) < cpu_s(lambda: json.loads(properties)) + 0.02
