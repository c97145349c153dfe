"""What every protocol is turned into on its way in, and what comes back: values, and no HTTP.

They are msgspec Structs, not dataclasses, because one is made for each event: a third of the cost.
"""

from typing import NamedTuple

import msgspec


class Claims(msgspec.Struct, gc=False):
    """What a protocol says of who somebody is, beside an event's properties."""

    keys: tuple[tuple[str, str], ...] = ()  # (kind, value)
    traits: str | None = None  # JSON object
    first_traits: str | None = None  # JSON object: only where nothing is known of that name


class Event(msgspec.Struct, gc=False):
    """One event that has the right shape. Times are the client's own, in ms since 1970."""

    index: int  # its place in the request
    id: str  # a client's, or made here where it sent none
    type: str
    properties: str  # JSON object, as sent
    time_ms: int | None = None
    context: str | None = None  # JSON object, as sent
    session: str | None = None  # where it is not the batch's
    device: str | None = None  # the client's own ID of its device, where its protocol has one
    claims: Claims | None = None


# A kind of key that is not the same in two sources; the collector adds the source.
DISTINCT_ID = "distinct_id"

# Kinds of key that name a device instead of a person; they join two profile IDs of this collector
# once it has found that it issued both.
ANOTHER_DEVICE = "anonymous_id"  # the value is another device's `Event.device` of the same source
ARRIVAL = "arrival"  # the value is a profile ID that another site passed on with the visitor


class Rejection(msgspec.Struct):
    """Why one event of a request was not stored."""

    index: int
    id: str | None
    error: str
    detail: str
    help: str = ""  # the path of the page that explains the code

    def __post_init__(self) -> None:
        self.help = f"/errors#{self.error}"


class EventWarning(msgspec.Struct):
    """An event was stored, but something in it will not do what its sender expects."""

    index: int
    id: str
    warning: str
    detail: str


class Client(NamedTuple):
    """What a request's connection and headers say of the device that sends it."""

    address: str | None = None  # IPv4 or IPv6
    user_agent: str | None = None


class Envelope(msgspec.Struct):
    """A source, a session, and events in the order in which they happened: one device's request.

    A protocol whose clients name their device themselves (Segment's anonymousId) says so in
    `device`: that is the client's word, from which the collector finds the profile ID it issued.
    """

    source: str
    events: list[Event]
    session: str | None = None
    profile: str | None = None
    sent_at_ms: int | None = None
    context: str | None = None  # JSON object shared by the events
    origin: str | None = None  # the web page's, from the header of that name
    rejected: list[Rejection] = []
    size_bytes: int = 0  # of the body, inflated: what it holds of the memory while it waits
    refused: dict[int, str] = {}  # by index, the JSON of the rejected, as it was sent
    refused_devices: dict[
        int, frozenset[str]
    ] = {}  # by index, what it calls its device, if it does
    protocol: str = "track"  # in which the rejected were sent, as its Again names it
    client: Client = Client()
    secret_sha256: bytes | None = None  # of the secret that came with it
    anonymous: bool = False  # its sender wants nothing of it to say who somebody is
    trusted: bool = False  # it is the source's; known from when the commit has looked it up
    device: str | None = None
    imported: bool = False  # `profile` holds, whoever issued it, and so do profile IDs in `claims`


class Receipt(msgspec.Struct):
    """What became of an Envelope; given only when all that it accepts is committed."""

    profile: str
    session: str
    accepted: int = 0
    duplicates: int = 0
    events: list[str] = []
    rejected: list[Rejection] = []
    warnings: list[EventWarning] = []
    duplicate_indexes: list[int] = []
