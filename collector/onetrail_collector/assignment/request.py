"""What a commit must look up before its requests can be assigned."""

import hashlib
import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from onetrail_collector.identification import Identification
from onetrail_collector.store.rows import Known, Question
from onetrail_collector.wire.envelope import ANOTHER_DEVICE, ARRIVAL, Envelope

UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")


def tells_device(event_id: str) -> bool:
    """Whether who knows the id of a stored event is its device: nobody guesses a UUID."""
    return UUID.match(event_id) is not None


class Request(NamedTuple):
    """An Envelope and, by event index, what its identifying events say of who somebody is.

    `strangers` is what events say that are not stored, each with its session where it names one:
    their device changes hands all the same.
    """

    envelope: Envelope
    identifications: dict[int, Identification]
    received_ms: int
    strangers: tuple[tuple[str | None, Identification], ...] = ()


def question(requests: Iterable[Request], *, with_events: bool) -> Question:
    """What must be looked up before these requests can be assigned.

    Without the events where none of them is expected to be stored already; but those of a client
    without a session always, as they alone may tell its device.
    """
    asked = Question()
    for request in requests:
        envelope = request.envelope
        sessions = asked.sessions.setdefault(envelope.source, [])
        if envelope.session is not None:
            sessions.append(envelope.session)
        sessions += [event.session for event in envelope.events if event.session is not None]
        events = asked.events.setdefault(envelope.source, [])
        if with_events or (envelope.session is None and envelope.device is None):
            events += [event.id for event in envelope.events]
        if envelope.profile is not None:
            asked.profile_ids.add(envelope.profile)
        if envelope.device is not None:
            asked.devices.setdefault(envelope.source, []).append(envelope.device)
        if request.identifications:
            _ask_of_others(asked, request)
        if envelope.context is not None and envelope.context not in asked.contexts:
            asked.contexts[envelope.context] = hashlib.sha256(envelope.context.encode()).hexdigest()
    return asked


def _ask_of_others(asked: Question, request: Request) -> None:
    """The devices that identifying events say to be this one."""
    for identification in request.identifications.values():
        for (kind, value), _ in identification.claims:
            if kind == ARRIVAL:
                asked.profile_ids.add(value)
            elif kind == ANOTHER_DEVICE:
                source = request.envelope.source
                asked.devices.setdefault(source, []).append(value.removeprefix(f"{source}/"))


def profile_ids_that_state(
    kinds: Collection[str], requests: Iterable[Request], known: Known
) -> set[int]:
    """The profile IDs, of those known, under which requests may state a key of these kinds."""
    found: set[int] = set()
    for envelope, identifications, *_ in requests:
        if not identifications:
            continue
        source = known.sources.get(envelope.source)
        stated = {key.kind for one in identifications.values() for key in one.keys}
        if source is None or stated.isdisjoint(kinds):
            continue
        if envelope.profile in known.profile_ids:
            found.add(known.profile_ids[envelope.profile].id)
        device = known.devices.get((source.id, envelope.device or ""))
        if device is not None:
            found.add(device.profile_id.id)
        seen = known.events[source.id]
        stored = [seen[event.id] for event in envelope.events if event.id in seen]
        named = [*sessions_of(envelope), *(session.public_id for session in stored)]
        sessions = [known.sessions.get((source.id, public_id)) for public_id in named]
        found.update(
            session.profile_id.id for session in (*sessions, *stored) if session is not None
        )
    return found | _heirs(found, known) if found else found


def _heirs(profile_ids: set[int], known: Known) -> set[int]:
    """Those known that took over from these, or from one another: a session may be moved there."""
    sessions = [*known.sessions.values()]
    for events in known.events.values():
        sessions += events.values()
    handed = {one.profile_id for one in sessions if one.profile_id.handed_from is not None}
    return {one.id for one in handed if not profile_ids.isdisjoint(one.before)}


def sessions_of(envelope: Envelope) -> list[str]:
    """The sessions that a request names, its own first."""
    named = [] if envelope.session is None else [envelope.session]
    for event in envelope.events:
        if event.session is not None and event.session not in named:
            named.append(event.session)
    return named
