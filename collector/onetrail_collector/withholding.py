"""Events of people who were erased are taken out of a request before anything is stored of it.

By session, profile ID and what its client calls it the device is known again, however late its
outbox comes back; by a merging key the person is, on another device. What is withheld is told in
the event's own answer, so that a client drops it instead of sending it for ever.
"""

from collections.abc import Iterable

import msgspec

from onetrail_collector.assignment import Request
from onetrail_collector.identification import Identification
from onetrail_collector.identity.suppression import (
    Trace,
    mark,
    of_device,
    of_key,
    of_profile_id,
    of_session,
)
from onetrail_collector.store.rows import Known
from onetrail_collector.wire.envelope import (
    ANOTHER_DEVICE,
    ARRIVAL,
    Envelope,
    Event,
    Receipt,
    Rejection,
)

DETAIL = (
    "is of a person whose data was erased, and is not stored; the collector's operator lifts that "
    "with: onetrail-collector suppressions lift"
)


def marks(requests: Iterable[Request], known: Known) -> dict[str, Trace]:
    """The marks by which somebody erased may come back in these requests; all asked in one go."""
    if known.salt is None:
        return {}
    traces: set[Trace] = set()
    for envelope, identifications, *_ in requests:
        source = known.sources.get(envelope.source)
        if source is None:
            continue
        device = envelope.device
        if device is not None and (source.id, device) not in known.devices:
            traces.add(of_device(envelope.source, device))
        if envelope.profile is not None and envelope.profile not in known.profile_ids:
            traces.add(of_profile_id(envelope.profile))
        for refused in envelope.refused_devices.values():
            traces.update(of_device(envelope.source, name) for name in refused)
        for public_id in {envelope.session, *(event.session for event in envelope.events)}:
            if public_id is not None and (source.id, public_id) not in known.sessions:
                traces.add(of_session(envelope.source, public_id))
        for identification in identifications.values():
            traces.update(_stated(identification, envelope.source))
    return {mark(known.salt, trace): trace for trace in traces}


def withhold(request: Request, known: Known) -> Request:
    """The request without its events of people who were erased, which are among its rejected.

    A session or profile ID that was erased is taken out of the envelope as well.
    """
    envelope, identifications = request.envelope, request.identifications
    source = known.sources.get(envelope.source)
    if not known.erased or source is None:
        return request
    envelope.refused = {
        index: event
        for index, event in envelope.refused.items()
        if not _names_erased(envelope.refused_devices.get(index, ()), envelope.source, known)
    }
    device = _is_erased(envelope, source.id, known)
    withheld = {
        event.index
        for event in envelope.events
        if _of_erased(event, envelope, source.id, known, device=device)
        or _states_erased(identifications.get(event.index), envelope.source, known)
    }
    if not withheld and not device:
        return request
    return request._replace(
        envelope=_without(envelope, withheld, device=device),
        identifications={
            index: found for index, found in identifications.items() if index not in withheld
        },
        strangers=tuple(
            (event.session, identifications[event.index])
            for event in envelope.events
            if event.index in withheld and event.index in identifications
        ),
    )


def nothing_left(request: Request, withheld: Request) -> Receipt | None:
    """The whole answer where nothing is left of a request, and so nothing is to be stored of it."""
    left = withheld.envelope
    if left is request.envelope or left.events:
        return None
    if (left.session or left.profile) and not left.imported:
        return None
    envelope = request.envelope
    return Receipt(envelope.profile or "", envelope.session or "", rejected=left.rejected)


def _is_erased(envelope: Envelope, source: int, known: Known) -> bool:
    """Whether the device that sends this is one of a person who was erased."""
    session, device = envelope.session, envelope.device
    if device is not None:
        trace = of_device(envelope.source, device)
        return (source, device) not in known.devices and trace in known.erased
    if session is not None:
        if (source, session) in known.sessions:
            return False
        if of_session(envelope.source, session) in known.erased:
            return True
    return envelope.profile is not None and of_profile_id(envelope.profile) in known.erased


def _names_erased(devices: Iterable[str], source: str, known: Known) -> bool:
    """Whether an event that was refused may be of a device that was erased: it is not kept."""
    return any(of_device(source, device) in known.erased for device in devices)


def _of_erased(
    event: Event, envelope: Envelope, source: int, known: Known, *, device: bool
) -> bool:
    own = event.session or envelope.session
    if own is None or (source, own) not in known.sessions:
        return device or (own is not None and of_session(envelope.source, own) in known.erased)
    return False


def _states_erased(identification: Identification | None, source: str, known: Known) -> bool:
    """Whether an event says that it is of a person who was erased."""
    return identification is not None and any(
        trace in known.erased for trace in _stated(identification, source)
    )


def _stated(identification: Identification, source: str) -> list[Trace]:
    """The keys that an event states, and the devices that it says to be this one."""
    traces = [of_key(key) for key in identification.keys]
    for (kind, value), _ in identification.claims:
        if kind == ANOTHER_DEVICE:
            traces.append(of_device(source, value.removeprefix(f"{source}/")))
        elif kind == ARRIVAL:
            traces.append(of_profile_id(value))
    return traces


def _without(envelope: Envelope, withheld: set[int], *, device: bool) -> Envelope:
    rejected = [
        *envelope.rejected,
        *(
            Rejection(event.index, event.id, "suppressed", f"events[{event.index}] {DETAIL}")
            for event in envelope.events
            if event.index in withheld
        ),
    ]
    return msgspec.structs.replace(
        envelope,
        events=[event for event in envelope.events if event.index not in withheld],
        rejected=sorted(rejected, key=lambda rejection: rejection.index),
        session=None if device else envelope.session,
        profile=None if device else envelope.profile,
    )
