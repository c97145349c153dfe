"""A person's data: all of it as one JSON, erased with a receipt, and suppressed until lifted."""

import logging
from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.responses import Response, StreamingResponse

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.person import note_export, person_json
from onetrail_collector.api.profiles import ByProfileId, parse_keys, profile_number
from onetrail_collector.clock import to_rfc3339
from onetrail_collector.errors import not_found
from onetrail_collector.store.rows import Erasure

log = logging.getLogger("onetrail_collector")

Reason = Annotated[str, Meta(max_length=500)]


class EraseAsked(msgspec.Struct):
    """Any of a person's profile IDs; `dry_run=1` only says what would go."""

    profile_id: str
    dry_run: Literal[0, 1] = 0


class EraseBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why; it is kept in the receipt, so name nobody."""

    reason: Reason = ""


class ErasureView(msgspec.Struct):
    """The receipt of an erasure; it says nothing about the person.

    `done` is null while the rest is being removed, `lifted` while they are suppressed.
    """

    id: str
    by: str
    reason: str
    begun: str
    done: str | None
    lifted: str | None
    lifted_by: str | None
    removed: dict[str, int]


class Erased(msgspec.Struct):
    """What goes, and the profile IDs that are suppressed from now on; those are said only here.

    `erasure` is the receipt, null where it was a dry run and all stays.
    """

    erasure: ErasureView | None
    profile_ids: list[str]
    removed: dict[str, int]


class ErasuresAsked(msgspec.Struct):
    """All, or the one that suppresses a profile ID or a key given as KIND:VALUE."""

    profile_id: str | None = None
    key: str | None = None


class ErasuresView(msgspec.Struct):
    """Receipts, the newest first."""

    erasures: list[ErasureView]


class ByErasureId(msgspec.Struct):
    """The id of a receipt."""

    erasure_id: str


async def export_profile(call: Call[ByProfileId, Nothing]) -> Response:
    """All that is stored about a person, as one JSON document; docs/privacy.md has its shape."""
    asked, name = call.asked.profile_id, call.caller.name
    number = await note_export(call.store, asked, made_by=name, now_ms=call.clock())
    if number is None:
        raise not_found(f"no profile has the profile ID {asked[:80]!r}")
    fields = {"profile": asked, "by": name}
    log.info("a person was exported", extra={"fields": fields})

    async def whole() -> AsyncIterator[bytes]:
        async for part in person_json(call.store, number, now_ms=call.clock()):
            yield part

    headers = {"content-disposition": 'attachment; filename="profile.json"'}
    return StreamingResponse(whole(), media_type="application/json", headers=headers)


async def erase(call: Call[EraseAsked, EraseBody]) -> Erased:
    """Erase a person and suppress them; with dry_run=1 say what would go."""
    number = await profile_number(call.store, call.asked.profile_id)
    would = await call.store.removal(number)
    counts = would._asdict() | {"profile_ids": len(would.profile_ids)}
    if call.asked.dry_run:
        return Erased(None, would.profile_ids, counts)
    erasure = await call.eraser.erase(
        call.asked.profile_id, reason=call.body.reason, made_by=call.caller.name
    )
    if erasure is None:  # somebody else was quicker
        raise not_found("this profile has just been erased")
    return Erased(erasure_view(erasure), would.profile_ids, counts)


async def erasures(call: Call[ErasuresAsked, Nothing]) -> ErasuresView:
    """The receipts of all erasures, or of the one that suppresses a profile ID or key."""
    asked = call.asked
    if asked.profile_id is None and asked.key is None:
        found = await call.store.erasures()
    else:
        keys = parse_keys(call.settings.policy, asked.key) if asked.key is not None else [None]
        each = [
            await call.store.find_suppression(profile_id=asked.profile_id, key=key) for key in keys
        ]
        found = list(dict.fromkeys(filter(None, each)))
    return ErasuresView([erasure_view(erasure) for erasure in found])


async def erasure_by_id(call: Call[ByErasureId, Nothing]) -> ErasureView:
    """One receipt."""
    return erasure_view(await _erasure(call))


async def lift(call: Call[ByErasureId, Nothing]) -> ErasureView:
    """Suppress the person of an erasure no longer; what was erased stays so."""
    await _erasure(call)
    async with call.store.transaction() as transaction:
        await transaction.erasing.lift(
            call.asked.erasure_id, lifted_by=call.caller.name, now_ms=call.clock()
        )
    return erasure_view(await _erasure(call))


async def _erasure(call: Call[ByErasureId, Nothing]) -> Erasure:
    erasure = await call.store.find_erasure(call.asked.erasure_id)
    if erasure is None:
        raise not_found(f"no erasure has the id {call.asked.erasure_id[:80]!r}")
    return erasure


def erasure_view(erasure: Erasure) -> ErasureView:
    """A receipt as it is answered."""
    return ErasureView(
        id=erasure.public_id,
        by=erasure.made_by,
        reason=erasure.reason,
        begun=to_rfc3339(erasure.begun_ms),
        done=None if erasure.done_ms is None else to_rfc3339(erasure.done_ms),
        lifted=None if erasure.lifted_ms is None else to_rfc3339(erasure.lifted_ms),
        lifted_by=erasure.lifted_by,
        removed={
            "profile_ids": erasure.profile_ids,
            "sessions": erasure.sessions,
            "events": erasure.events,
            "traits": erasure.traits,
            "links": erasure.links,
            "keys": erasure.keys,
            "contexts": erasure.contexts,
            "quarantined": erasure.quarantined,
        },
    )


OPERATIONS = (
    Operation("GET", "/profiles/{profile_id}/export", export_profile, "read", dict, ByProfileId),
    Operation(
        "POST", "/profiles/{profile_id}/erase", erase, "erase", Erased, EraseAsked, EraseBody
    ),
    Operation("GET", "/erasures", erasures, "read", ErasuresView, ErasuresAsked),
    Operation("GET", "/erasures/{erasure_id}", erasure_by_id, "read", ErasureView, ByErasureId),
    Operation("POST", "/erasures/{erasure_id}/lift", lift, "erase", ErasureView, ByErasureId),
)
