"""The JSON of a request, however its client packed it: gzip, base64, lz-string, in a form."""

import base64
import binascii
from urllib.parse import parse_qs

from onetrail_collector.body import MAX_BODY_BYTES, inflate
from onetrail_collector.errors import not_json, too_large
from onetrail_collector.wire import lz_string
from onetrail_collector.wire.exchange import Call
from onetrail_collector.wire.json_text import decode_text

MAX_FIELDS = 100  # of a form, which holds one event or a batch in `data`
GZIP_MAGIC = b"\x1f\x8b"
LZ_STRING = {"lz64", "lz-string"}  # what its clients call it


def payload(call: Call) -> str:
    """The text that was sent; raises Refused."""
    query = call.query
    body = call.body if call.method == "POST" else query.get("data", "").encode()
    compression = query.get("compression", "")
    if body[:5] == b"data=":
        form = _form(body.decode("latin-1"))
        body = form["data"][0].encode("latin-1")
        compression = form.get("compression", [compression])[0]
    if body[:2] == GZIP_MAGIC:  # no header says so
        return decode_text(inflate(body, "gzip"))
    text = body.strip()
    if text[:1] in {b"{", b"["} or not text:
        return decode_text(text)
    text = text.replace(b" ", b"+")  # what a form makes of it
    return _from_lz_string(text) if compression in LZ_STRING else _from_base64(text)


def _form(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise too_large(f"the form has more than {MAX_FIELDS} fields") from None


def _from_base64(text: bytes) -> str:
    try:
        unpacked = base64.b64decode(text + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise not_json("the body is neither JSON nor base64 of it") from None
    return decode_text(inflate(unpacked, "gzip") if unpacked[:2] == GZIP_MAGIC else unpacked)


def _from_lz_string(text: bytes) -> str:
    try:
        return lz_string.decompress(text, max_chars=MAX_BODY_BYTES)
    except lz_string.StreamError as error:
        raise not_json(f"the body is not lz-string in base64: {error}") from None
