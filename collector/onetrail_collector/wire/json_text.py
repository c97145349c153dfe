"""JSON as strangers send it: read with care, kept as it was sent, refused in words."""

import json
import re
from typing import TypeVar

import msgspec

from onetrail_collector.errors import not_json
from onetrail_collector.wire.depth import MAX_DEPTH, is_too_deep

MAX_JSON_BYTES = 32_768  # of one event's properties, and of one context
SURELY_FIT_CHARS = MAX_JSON_BYTES // 4  # no character takes more bytes of UTF-8 than 4
MAX_ID_CHARS = 128
ESCAPED_NUL = "\\u0000"  # the only form in which JSON can hold one

T = TypeVar("T")

ABSENT = msgspec.Raw(b"")
"""The default of a field of raw JSON."""


class Unfit(Exception):  # noqa: N818 - becomes a Rejection
    """One event of a request cannot be stored; the message says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def parse(decoder: msgspec.json.Decoder[T], text: str | bytes) -> T:
    """What a decoder makes of the text. Raises Refused, and msgspec.ValidationError."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        plain = text if isinstance(text, str) else decode_text(text)
        return decoder.decode(mended(plain, str(error)))
    except RecursionError:
        raise not_json("the body is nested too deep") from None


def mended(text: str, complaint: str) -> str:
    """The same JSON without the lone surrogates that browsers make by cutting an emoji in two."""
    if not re.search(r"\\u[dD][89a-fA-F]", text):
        raise not_json(f"the body is not JSON: {complaint}")
    try:
        value = json.loads(text, parse_constant=_no_constant)
        return json.dumps(value, ensure_ascii=False).encode(errors="replace").decode()
    except (ValueError, RecursionError):
        raise not_json(f"the body is not JSON: {complaint}") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def decode_text(body: bytes) -> str:
    """The body as text; raises Refused where it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise not_json(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None


def json_object(raw: msgspec.Raw, index: int | None, name: str) -> str | None:
    """The text of a JSON object, as sent; None where it is absent, null or empty."""
    text = str(raw, "utf-8")
    if (
        2 < len(text) <= SURELY_FIT_CHARS  # noqa: PLR2004 - longer than {}
        and text[0] == "{"
        and text.count("{") + text.count("[") <= MAX_DEPTH
    ):
        return text  # as nearly all
    return _looked_at(text.encode(), index, name)


def _looked_at(value: bytes, index: int | None, name: str) -> str | None:
    if value[:1] == b"{" and 2 < len(value) <= MAX_JSON_BYTES:  # noqa: PLR2004 - longer than {}
        if is_too_deep(value):
            where = name if index is None else f"events[{index}].{name}"
            raise Unfit("too_deep", f"{where} is nested deeper than {MAX_DEPTH} levels: flatten it")
        return value.decode()
    if value in {b"", b"null", b"{}"}:
        return None
    where = name if index is None else f"events[{index}].{name}"
    if value[:1] != b"{":
        raise Unfit("wrong_shape", f"{where}: expected an object")
    raise Unfit("too_large", f"{where} is {len(value)} bytes; the limit is {MAX_JSON_BYTES}")


def sentence(error: msgspec.ValidationError, name: str) -> str:
    """`events[2].type: expected str, got int`, from msgspec's words for it."""
    message, _, path = str(error).partition(" - at `$")
    where = (name + path.rstrip("`")).lstrip(".") or "the body"
    message = message.replace("`", "")
    return f"{where}: {message[:1].lower()}{message[1:]}"
