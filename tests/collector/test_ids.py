"""IDs have the form that the RFC gives them, and never come twice."""

import time
from itertools import islice
from uuid import RFC_4122, UUID

from onetrail_collector.ids import neighbours, uuid4, uuid7


def test_random_ids_are_uuids_of_version_4() -> None:
    made = [uuid4() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    for text in made:
        parsed = UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (4, RFC_4122, text)
    assert {text[19] for text in made} == set("89ab")


def test_neighbours_are_random_uuids_of_version_4_in_one_place_of_an_index() -> None:
    made = list(islice(neighbours(), 10_000))
    assert len(set(made)) == len(made)
    assert len({text[:6] for text in made}) == 1
    assert len({text[6:8] for text in made}) == 256
    for text in made:
        parsed = UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (4, RFC_4122, text)
    assert {text[19] for text in made} == set("89ab")


def test_ids_in_the_order_of_time_are_uuids_of_version_7() -> None:
    before_ms = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(1000)]
    after_ms = time.time_ns() // 1_000_000
    assert len(set(made)) == len(made)
    for text in made:
        parsed = UUID(text)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, RFC_4122, text)
        assert before_ms <= parsed.int >> 80 <= after_ms
