"""Which profile ID an event gets, decided for all requests of one commit: values in, values out.

In this order: the session's, if the session is known; else the payload's, if the collector issued
it, or the source may make its own; else a new one. Events of other sessions in the same request
come from the same device.
Where the client names its device itself, the profile ID that was issued to it stands for the
payload's.
A device on which a second value of an exclusive kind signs in has changed hands: its session goes
on under a new profile ID.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from onetrail_collector import quarantine
from onetrail_collector.device import divide
from onetrail_collector.errors import origin_not_allowed, secret_required, unknown_source
from onetrail_collector.identification import Identification
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.identity.traits import Trait
from onetrail_collector.ids import uuid4
from onetrail_collector.link_warnings import Linked
from onetrail_collector.origins import is_allowed
from onetrail_collector.store.rows import (
    DeviceKey,
    Known,
    NewContext,
    NewProfileId,
    NewSession,
    ProfileId,
    Question,
    Session,
    Source,
    SourcedLink,
    Writes,
)
from onetrail_collector.wire.envelope import (
    ANOTHER_DEVICE,
    ARRIVAL,
    Client,
    Envelope,
    Event,
    EventWarning,
    Receipt,
)

UNKNOWN_ARRIVAL = (
    "the profile ID that was passed on was not issued here; "
    "the event is stored, but joins no profile IDs"
)


class Request(NamedTuple):
    """An Envelope and, by event index, what its identifying events say of who somebody is.

    `strangers` is what events say that are not stored: their device changes hands all the same.
    """

    envelope: Envelope
    identifications: dict[int, Identification]
    received_ms: int
    strangers: tuple[Identification, ...] = ()


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


def identified_profile_ids(requests: Iterable[Request], known: Known) -> set[int]:
    """The profile IDs, of those known, under which somebody may identify in these requests."""
    found: set[int] = set()
    for envelope, identifications, *_ in requests:
        source = known.sources.get(envelope.source)
        if not identifications or source is None:
            continue
        if envelope.profile in known.profile_ids:
            found.add(known.profile_ids[envelope.profile].id)
        device = known.devices.get((source.id, envelope.device or ""))
        if device is not None:
            found.add(device.profile_id.id)
        sessions = [
            *(known.sessions.get((source.id, public_id)) for public_id in _sessions(envelope)),
            *(known.events[source.id].get(event.id) for event in envelope.events),
        ]
        found.update(session.profile_id.id for session in sessions if session is not None)
    return found


class Assignment:
    """The writes of one commit, gathered request by request in the order of arrival."""

    def __init__(
        self,
        asked: Question,
        known: Known,
        exclusive_kinds: frozenset[str],
        *,
        new_id: Callable[[], str] = uuid4,
        describe: Callable[[Client, str, str], str | None] = lambda *_: None,
    ) -> None:
        self.writes = Writes()
        self.linked: list[Linked] = []
        self._asked = asked
        self._known = known
        self._exclusive_kinds = exclusive_kinds
        self._new_id = new_id
        self._describe = describe
        self._new_sessions: dict[int, int] = {}  # number -> place in writes.sessions
        self._changed_devices: set[tuple[int, str]] = set()
        self._received_ms = 0  # of the request that is being assigned

    def assign(self, request: Request) -> Receipt:
        """Add one request's writes; raises Refused, and adds nothing, where it may not send."""
        envelope, identifications, received_ms, strangers = request
        self._received_ms = received_ms
        source = self._source(envelope)
        if envelope.refused:
            self.writes.quarantine += quarantine.rows(envelope, source.id, received_ms)
        if envelope.device is not None and not envelope.events:
            return Receipt("", "", rejected=envelope.rejected)
        envelope, device = self._device(envelope, source, received_ms)
        receipt = Receipt("", device.public_id, rejected=envelope.rejected)
        known, rows = self._known.events[source.id], self.writes.events
        context_id = self._context(envelope.context)
        skew_ms = _skew_ms(envelope, received_ms)
        stored = self._known.sessions[source.id, device.public_id]
        session = device if envelope.imported else stored
        for stranger in strangers:
            session, device = self._sign_in(request, source, session, device, stranger)
        for event in envelope.events:
            receipt.events.append(event.id)
            if event.id in known:
                receipt.duplicates += 1
                receipt.duplicate_indexes.append(event.index)
                continue
            time_ms, ahead_ms = received_ms, None
            if event.time_ms is not None:
                time_ms = event.time_ms + (skew_ms or 0)
                ahead_ms = 0
                if time_ms > received_ms:  # from the future
                    time_ms, ahead_ms = received_ms, time_ms - received_ms
                    self.writes.clamped += 1
            own = event.session or device.public_id
            if own != session.public_id:
                session = self._session(source, own, device.profile_id, time_ms, envelope.client)
            if event.index in identifications:
                identification = _believed(identifications[event.index], source, envelope)
                session, device = self._sign_in(request, source, session, device, identification)
                holder = session.profile_id
                receipt.warnings += self._identify(source, event, holder, time_ms, identification)
                self.linked += [
                    Linked(receipt, event, envelope.trusted, holder.id, key)
                    for key in identification.keys
                ]
                self.writes.blocked += [(entry, received_ms) for entry in identification.blocked]
                receipt.warnings += _warnings(event, identification)
            known[event.id] = session
            rows.append(
                (
                    source.id,
                    event.id,
                    event.type,
                    session.profile_id.id,
                    session.id,
                    time_ms,
                    received_ms,
                    event.properties,
                    event.context,
                    context_id,
                    skew_ms,
                    ahead_ms,
                )
            )
        self._write_devices()
        receipt.accepted = len(receipt.events) - receipt.duplicates
        goes_on = self._known.sessions[source.id, device.public_id]  # it may have changed hands
        receipt.profile = goes_on.profile_id.public_id
        return receipt

    def _source(self, envelope: Envelope) -> Source:
        source = self._known.sources.get(envelope.source)
        if source is None or not source.enabled:
            raise unknown_source(envelope.source)
        if envelope.origin and not is_allowed(envelope.origin, source.origins):
            raise origin_not_allowed(envelope.origin)
        if source.secret_sha256 is not None:
            if not hmac.compare_digest(source.secret_sha256, envelope.secret_sha256 or b""):
                raise secret_required(envelope.source)
            envelope.trusted = True
        return source

    def _device(
        self, envelope: Envelope, source: Source, received_ms: int
    ) -> tuple[Envelope, Session]:
        if envelope.device is not None:
            return self._named_device(envelope, source, received_ms)
        return envelope, self._device_session(envelope, source, received_ms)

    def _device_session(self, envelope: Envelope, source: Source, received_ms: int) -> Session:
        """The session that a request is of, known or new, and with it the device."""
        known = self._known
        named = _sessions(envelope)
        found = known.sessions.get((source.id, named[0])) if named else None
        if envelope.imported:
            self._take_over(envelope, source, received_ms)
        profile_id = known.profile_ids.get(envelope.profile or "")
        if found is not None:
            return (
                found._replace(profile_id=profile_id) if envelope.imported and profile_id else found
            )
        if (profile_id is None or envelope.imported) and not named:
            for event in envelope.events:  # a retry, of a client that has no session
                retried = known.events[source.id].get(event.id)
                if retried is not None:
                    return known.sessions.setdefault((source.id, retried.public_id), retried)
        if profile_id is None:
            static_id = envelope.profile if source.static_ids else None
            profile_id = self._sibling(source, named[1:]) or self._issue(
                source, received_ms, static_id
            )
        public_id = named[0] if named else self._new_id()
        skew_ms = _skew_ms(envelope, received_ms)
        if skew_ms is not None:
            self.writes.skews_ms.append(skew_ms)
        return self._session(
            source, public_id, profile_id, _started_ms(envelope, received_ms), envelope.client
        )

    def _take_over(self, envelope: Envelope, source: Source, received_ms: int) -> None:
        """Issue the profile IDs that another collector has issued, as they are."""
        stated = [event.claims.keys for event in envelope.events if event.claims is not None]
        named = [value for keys in stated for kind, value in keys if kind == ARRIVAL]
        for public_id in [envelope.profile or "", *named]:
            if public_id and public_id not in self._known.profile_ids:
                self._issue(source, received_ms, public_id)

    def _named_device(
        self, envelope: Envelope, source: Source, received_ms: int
    ) -> tuple[Envelope, Session]:
        """The session with which a request of a device that its client names begins.

        Its profile ID is the one under which the device goes on. Where the events are of several
        sessions, they name them in the envelope that comes with it.
        """
        known, place = self._known, (source.id, envelope.device or "")
        seen = known.events[source.id]
        fresh = envelope.events
        if seen:
            fresh = [event for event in fresh if event.id not in seen]
        if not fresh:
            session = seen[envelope.events[0].id]
            return envelope, known.sessions.setdefault((source.id, session.public_id), session)
        behind_ms = _skew_ms(envelope, received_ms) or 0
        latest_ms = received_ms - behind_ms
        times_ms = [
            received_ms
            if (at_ms := event.time_ms) is None or at_ms > latest_ms
            else at_ms + behind_ms
            for event in fresh
        ]
        held = known.devices.get(place)
        if held is not None:
            profile_id, present, last_ms = held
        else:
            sibling = self._sibling(source, _sessions(envelope))
            profile_id, present, last_ms = sibling or self._issue(source, received_ms), None, 0
        course = divide(fresh, times_ms, present, last_ms, new_id=self._new_id)
        self._keep(place, DeviceKey(profile_id, course.present, course.last_ms))
        if course.events is not fresh:
            repeated = [event for event in envelope.events if event.id in seen]
            envelope = msgspec.structs.replace(envelope, events=[*repeated, *course.events])
        session = self._session(source, course.begins, profile_id, times_ms[0], envelope.client)
        return envelope, session._replace(profile_id=profile_id)

    def _keep(self, place: tuple[int, str], device: DeviceKey) -> None:
        if self._known.devices.get(place) != device:
            self._known.devices[place] = device
            self._changed_devices.add(place)

    def _sign_in(
        self,
        request: Request,
        source: Source,
        session: Session,
        device: Session,
        identification: Identification,
    ) -> tuple[Session, Session]:
        """The session, and its device, as they go on when an event has said who somebody is."""
        holder, named = session.profile_id, request.envelope.device
        session = self._change_hands(source, session, identification, request.received_ms)
        if named is not None and session.profile_id != holder:
            place = (source.id, named)
            self._keep(place, self._known.devices[place]._replace(profile_id=session.profile_id))
            device = device._replace(profile_id=session.profile_id)
        return session, device

    def _write_devices(self) -> None:
        for place in self._changed_devices:
            device = self._known.devices[place]
            session = self._known.sessions.get((place[0], device.session or ""))
            self.writes.devices[place] = (
                *place,
                device.profile_id.id,
                session.id if session else None,
                device.last_ms,
            )
        self._changed_devices.clear()

    def _sibling(self, source: Source, named: list[str]) -> ProfileId | None:
        """The profile ID of another session in the same request, which is of the same device."""
        for public_id in named:
            session = self._known.sessions.get((source.id, public_id))
            if session is not None:
                return session.profile_id
        return None

    def _session(
        self,
        source: Source,
        public_id: str,
        profile_id: ProfileId,
        started_ms: int,
        client: Client,
    ) -> Session:
        known = self._known.sessions.get((source.id, public_id))
        if known is not None:
            return known
        self._known.last_session += 1
        session = Session(self._known.last_session, public_id, profile_id)
        self._known.sessions[source.id, public_id] = session
        self._new_sessions[session.id] = len(self.writes.sessions)
        self.writes.sessions.append(
            NewSession(
                session.id,
                source.id,
                public_id,
                profile_id.id,
                started_ms,
                self._describe(client, source.public_id, source.kind),
            )
        )
        return session

    def _issue(self, source: Source, received_ms: int, public_id: str | None = None) -> ProfileId:
        self._known.last_profile_id += 1
        profile_id = ProfileId(self._known.last_profile_id, public_id or self._new_id())
        self._known.profile_ids[profile_id.public_id] = profile_id
        self.writes.profile_ids.append(
            NewProfileId(*profile_id, source.id, received_ms, profile_id.id)
        )
        return profile_id

    def _context(self, body: str | None) -> int | None:
        if body is None:
            return None
        number = self._known.contexts.get(body)
        if number is None:
            self._known.last_context = number = self._known.last_context + 1
            self._known.contexts[body] = number
            self.writes.contexts.append(NewContext(number, self._asked.contexts[body], body))
        return number

    def _change_hands(
        self, source: Source, session: Session, identification: Identification, received_ms: int
    ) -> Session:
        """The session as it goes on: under a new profile ID where somebody else signs in."""
        stated = {
            key.kind: key.value for key in identification.keys if key.kind in self._exclusive_kinds
        }
        held = self._known.exclusive.setdefault(session.profile_id.id, {})
        if any(held.get(kind, value) != value for kind, value in stated.items()):
            session = session._replace(profile_id=self._issue(source, received_ms))
            self._move(source, session)
            held = self._known.exclusive.setdefault(session.profile_id.id, {})
        held.update(stated)
        return session

    def _move(self, source: Source, session: Session) -> None:
        self._known.sessions[source.id, session.public_id] = session
        place = self._new_sessions.get(session.id)
        if place is None:
            self.writes.moved_sessions[session.id] = session.profile_id.id
        else:
            moved = self.writes.sessions[place]._replace(profile_id=session.profile_id.id)
            self.writes.sessions[place] = moved

    def _identify(
        self,
        source: Source,
        event: Event,
        profile_id: ProfileId,
        time_ms: int,
        identification: Identification,
    ) -> list[EventWarning]:
        """Add what an event says of who somebody is; answers what of it joins nobody."""
        warnings = []
        for key, claim in zip(identification.keys, identification.claims, strict=True):
            holders = [profile_id]
            if key.kind in {ANOTHER_DEVICE, ARRIVAL}:
                other = self._other(source, claim.key)
                if other is None:
                    warnings.append(_warning(event, "unknown_arrival", UNKNOWN_ARRIVAL))
                if other is None or other == profile_id:
                    continue
                holders.append(other)
            self.writes.links += [
                SourcedLink(Link(holder.id, key, time_ms, event.id), source.id)
                for holder in holders
            ]
        self.writes.traits += [
            Trait(profile_id.id, name, value, time_ms, event.id)
            for name, value in identification.traits.items()
        ]
        self.writes.traits += [
            Trait(profile_id.id, name, value, -time_ms, event.id)
            for name, value in identification.first_traits.items()
        ]
        return warnings

    def _other(self, source: Source, key: Key) -> ProfileId | None:
        """The profile ID that a key of such a kind names; None where none was issued."""
        if key.kind == ARRIVAL:
            return self._known.profile_ids.get(key.value)
        place = (source.id, key.value.removeprefix(f"{source.public_id}/"))
        if place not in self._known.devices:  # its own events are still to come
            self._keep(place, DeviceKey(self._issue(source, self._received_ms), None, 0))
        return self._known.devices[place].profile_id


def _believed(identification: Identification, source: Source, envelope: Envelope) -> Identification:
    """What an event says of who somebody is, as far as its source believes it."""
    if not source.require_signature or envelope.trusted:
        return identification
    return identification.signed_with(source.signing_secret or "")


def _sessions(envelope: Envelope) -> list[str]:
    """The sessions that a request names, its own first."""
    named = [] if envelope.session is None else [envelope.session]
    for event in envelope.events:
        if event.session is not None and event.session not in named:
            named.append(event.session)
    return named


def _skew_ms(envelope: Envelope, received_ms: int) -> int | None:
    """How far the client's clock is behind the collector's; None where it did not say."""
    return None if envelope.sent_at_ms is None else received_ms - envelope.sent_at_ms


def _started_ms(envelope: Envelope, received_ms: int) -> int:
    """When the session of a request began, as far as the request tells."""
    times_ms = [event.time_ms for event in envelope.events[:1] if event.time_ms is not None]
    skew_ms = _skew_ms(envelope, received_ms) or 0
    return min([received_ms, *(time_ms + skew_ms for time_ms in times_ms)])


def _warnings(event: Event, identification: Identification) -> list[EventWarning]:
    return [_warning(event, code, detail) for code, detail in identification.warnings]


def _warning(event: Event, code: str, detail: str) -> EventWarning:
    return EventWarning(event.index, event.id, code, f"events[{event.index}].{detail}")
