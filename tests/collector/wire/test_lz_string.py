"""lz-string's streams, as written by lz-string 1.5.0 itself, and whatever else claims to be one."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.wire.lz_string import MAX_PACKED_CHARS, StreamError, decompress


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("", "Q==="),
        ("a", "IZA="),
        ("aaaaaaaaaaaaaa", "IY1tA==="),
        ("hé 😀 ≥", "BYS4BIvBuAB7aKZEQ==="),
        ('{"event":"a","event":"b"}', "N4IgpgbmB2AuIC4QEMQBpxTokAjEAvkA"),
    ],
)
def test_it_reads_what_lz_string_wrote(text: str, packed: str) -> None:
    assert decompress(packed.encode(), max_chars=100) == text


@pytest.mark.parametrize("packed", [b"", b"IY1t", b"%%%%", b"/////w==", b"IY1tA===IY1t"])
def test_anything_else_is_refused_in_words(packed: bytes) -> None:
    with pytest.raises(StreamError):
        decompress(packed, max_chars=100)


def test_it_is_bounded_on_both_sides() -> None:
    with pytest.raises(StreamError, match="more than 13 characters"):
        decompress(b"IY1tA===", max_chars=13)
    with pytest.raises(StreamError, match="limit is"):
        decompress(b"A" * (MAX_PACKED_CHARS + 1), max_chars=100)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(stream: bytes) -> None:
    with contextlib.suppress(StreamError):
        assert len(decompress(base64.b64encode(stream), max_chars=1_000)) <= 1_000
