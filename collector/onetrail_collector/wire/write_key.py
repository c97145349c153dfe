"""The key with which other protocols' clients name their source: it is the source's public id."""

from onetrail_collector.errors import Refused, unknown_source
from onetrail_collector.wire.json_text import MAX_ID_CHARS


def write_key(key: str | None) -> str:
    """A key that may be one; raises Refused (401) where none can be."""
    if not key:
        detail = "the request has no write key; it is the public id of a source of this collector"
        raise Refused(401, "unknown_source", detail)
    if len(key) > MAX_ID_CHARS or not key.isprintable():
        raise unknown_source(key[:40])
    return key
