"""What a protocol is made of: kinds of exchange, each a call that comes in and the answer to it.

A module of wire/ lists its own in EXCHANGES, and protocols.py lists the modules.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from onetrail_collector.errors import Refused
from onetrail_collector.wire.envelope import Envelope, Receipt

JSON = (b"content-type", b"application/json")


class Call(msgspec.Struct):
    """One HTTP request; the names of its headers are in lower case, its body is inflated."""

    method: str
    scheme: str
    path: str
    params: Mapping[str, str]  # of the path
    query_string: bytes
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def origin(self) -> str | None:
        """The web page's that sends it."""
        return self.header(b"origin")

    @property
    def query(self) -> dict[str, str]:
        """The last of each name."""
        return dict(parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True))

    @property
    def basic_user(self) -> str | None:
        """The user of Basic authentication (RFC 7617); protocols put their write key there."""
        scheme, _, credentials = (self.header(b"authorization") or "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, ValueError):
            return None

    def header(self, name: bytes) -> str | None:
        """One header's text."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value else None


class Answer(msgspec.Struct):
    """An answer's body, and what else it is not like most."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)


PIXEL = Answer(
    base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"),
    headers=((b"content-type", b"image/gif"), (b"cache-control", b"no-store")),
)
"""A picture of one transparent point, for who asks in an image's address."""


def refuse(_: Call, refused: Refused) -> Answer:
    """The collector's own form of an error."""
    body = msgspec.json.encode({"error": refused.code, "detail": refused.detail})
    return Answer(body, refused.status)


class Sent(NamedTuple):
    """What is known of how a refused event came; `event` is its JSON, as it was sent."""

    event: str
    id: str  # for an event that has none, so that bringing it twice stores it once
    source: str
    sent_at: str | None = None  # RFC 3339
    session: str | None = None
    profile: str | None = None
    context: str | None = None  # JSON


class Again(NamedTuple):
    """How an event is sent once more, alone: a body for the first path of its exchange."""

    protocol: str  # under which refused events are kept
    id_name: str  # of the event's own ID
    body: Callable[[Sent, Any], dict[str, Any]]


class Exchange(msgspec.Struct, frozen=True):
    """One kind of exchange of a protocol.

    `decode` answers Envelopes that are to be stored, one for each device, or what is answered at
    once; it raises Refused. `encode` answers when all of it is committed, `refuse` when not.
    """

    paths: tuple[str, ...]
    methods: tuple[str, ...]
    decode: Callable[[Call], list[Envelope] | Answer]
    encode: Callable[[Call, Receipt], bytes | Answer]
    refuse: Callable[[Call, Refused], Answer] = refuse
    allowed_headers: str = "content-type, content-encoding"  # of a page of another origin
    with_credentials: bool = False  # its browser client insists on sending cookies; none is read
    again: Again | None = None  # one exchange of a protocol
