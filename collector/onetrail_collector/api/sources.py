"""Sources over the API: who may send events, from which pages, how much, and with which secret.

Tokens have no API: one that could make others would outlive being revoked. The command line makes
and revokes them.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.auth import hash_token, new_source_secret
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import Refused, not_found, wrong_shape
from onetrail_collector.origins import InvalidOrigin, normal_origin
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import Source

Kind = Literal["web", "app", "server", "iot"]
PublicId = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:~-]+$")]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Origins = Annotated[list[str], Meta(max_length=100)]
Rate = Annotated[int, Meta(ge=1, le=1_000_000)]


class BySourceId(msgspec.Struct):
    """A source's public id."""

    source_id: str


class SourceView(msgspec.Struct):
    """A source; `events_per_second` is null where the configuration's limit is its limit.

    `needs_signature`: keys without its server's signature join nobody. `static_ids`: a profile ID
    that it makes itself is taken as it is.
    """

    id: str
    name: str
    kind: Kind
    origins: tuple[str, ...]
    enabled: bool
    events_per_second: int | None
    needs_secret: bool
    needs_signature: bool
    static_ids: bool
    created: str


class SourcesView(msgspec.Struct):
    """All sources, the oldest first."""

    sources: list[SourceView]


class NewSource(msgspec.Struct, forbid_unknown_fields=True):
    """A source to be added. `origins` empty: pages of any origin."""

    id: PublicId
    name: Name | None = None
    kind: Kind = "web"
    origins: Origins = []
    events_per_second: Rate | None = None


class SourceChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is given is changed; `events_per_second` null takes the configuration's limit."""

    name: Name | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    origins: Origins | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    events_per_second: Rate | UnsetType | None = UNSET
    static_ids: bool | UnsetType = UNSET


class SecretView(msgspec.Struct):
    """A source's secret; shown this once."""

    secret: str


async def list_sources(call: Call[Nothing, Nothing]) -> SourcesView:
    """All sources, the oldest first."""
    return SourcesView([_view(source) for source in await call.store.sources()])


async def read_source(call: Call[BySourceId, Nothing]) -> SourceView:
    """One source."""
    return _view(await _source(call.store, call.asked.source_id))


async def add_source(call: Call[Nothing, NewSource]) -> SourceView:
    """Add a source; from now on it may send events."""
    new = call.body
    origins = _normal(new.origins)
    name = new.name or new.id
    if not await call.store.add_source(new.id, name=name, origins=origins, now_ms=call.clock()):
        raise Refused(409, "exists", f"id: there is a source {new.id!r}; change it with PATCH")
    changes = {"kind": new.kind, "events_per_second": new.events_per_second}
    await call.store.change_source(new.id, changes)
    return _view(await _source(call.store, new.id))


async def change_source(call: Call[BySourceId, SourceChange]) -> SourceView:
    """Change what is given of a source; it holds from the next commit on."""
    given: dict[str, Any] = {
        name: value
        for name, value in msgspec.structs.asdict(call.body).items()
        if value is not UNSET
    }
    if "origins" in given:
        given["origins"] = _normal(given["origins"])
    await _change(call.store, call.asked.source_id, given)
    return _view(await _source(call.store, call.asked.source_id))


async def make_secret(call: Call[BySourceId, Nothing]) -> SecretView:
    """Make a source's secret, shown this once; from now on it sends with this one and no other."""
    secret = new_source_secret()
    await _change(call.store, call.asked.source_id, {"secret_sha256": hash_token(secret)})
    return SecretView(secret)


async def remove_secret(call: Call[BySourceId, Nothing]) -> SourceView:
    """Let a source send without a secret again."""
    await _change(call.store, call.asked.source_id, {"secret_sha256": None})
    return _view(await _source(call.store, call.asked.source_id))


_ONE = "/sources/{source_id}"

OPERATIONS = (
    Operation("GET", "/sources", list_sources, "read", SourcesView),
    Operation(
        "POST",
        "/sources",
        add_source,
        "write",
        SourceView,
        body=NewSource,
        status=201,
        errors=(409,),
    ),
    Operation("GET", _ONE, read_source, "read", SourceView, BySourceId),
    Operation("PATCH", _ONE, change_source, "write", SourceView, BySourceId, SourceChange),
    Operation("POST", f"{_ONE}/secret", make_secret, "write", SecretView, BySourceId),
    Operation("DELETE", f"{_ONE}/secret", remove_secret, "write", SourceView, BySourceId),
)


async def _source(store: Store, public_id: str) -> Source:
    for source in await store.sources():
        if source.public_id == public_id:
            return source
    raise not_found(f"there is no source {public_id[:80]!r}")


async def _change(store: Store, public_id: str, changes: dict[str, Any]) -> None:
    if not await store.change_source(public_id, changes):
        raise not_found(f"there is no source {public_id[:80]!r}")


def _normal(origins: Sequence[str]) -> list[str]:
    try:
        return [normal_origin(origin) for origin in origins]
    except InvalidOrigin as error:
        raise wrong_shape(f"origins: {error}") from None


def _view(source: Source) -> SourceView:
    return SourceView(
        id=source.public_id,
        name=source.name,
        kind=msgspec.convert(source.kind, Kind),
        origins=source.origins,
        enabled=source.enabled,
        events_per_second=source.events_per_second,
        needs_secret=source.secret_sha256 is not None,
        needs_signature=source.require_signature,
        static_ids=source.static_ids,
        created=to_rfc3339(source.created_ms),
    )
