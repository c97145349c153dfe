"""Which profile ID an event gets, decided for all requests of one commit: values in, values out.

In this order: the session's, if the session is known; else the payload's, if the collector issued
it; else a new one. Events of other sessions in the same request come from the same device.
A device on which a second value of an exclusive kind signs in has changed hands: its session goes
on under a new profile ID.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import uuid4

from onetrail_collector.errors import origin_not_allowed, unknown_source
from onetrail_collector.identification import Identification
from onetrail_collector.identity.resolve import Link
from onetrail_collector.identity.traits import Trait
from onetrail_collector.store.rows import (
    Known,
    NewEvent,
    NewProfileId,
    NewSession,
    ProfileId,
    Question,
    Session,
    Source,
    SourcedLink,
    Writes,
)
from onetrail_collector.wire.envelope import Envelope, Event, EventWarning, Receipt


class Request(NamedTuple):
    """An Envelope and, by event index, what its identifying events say of who somebody is."""

    envelope: Envelope
    identifications: dict[int, Identification]
    received_ms: int


def question(requests: Iterable[Request]) -> Question:
    """What must be looked up before these requests can be assigned."""
    asked = Question()
    for envelope, _, _ in requests:
        source = envelope.source
        asked.sources.add(source)
        if envelope.profile is not None:
            asked.profile_ids.add(envelope.profile)
        if envelope.session is not None:
            asked.sessions.add((source, envelope.session))
        for event in envelope.events:
            asked.events.add((source, event.id))
            if event.session is not None:
                asked.sessions.add((source, event.session))
    return asked


def identified_profile_ids(requests: Iterable[Request], known: Known) -> set[int]:
    """The profile IDs, of those known, under which somebody may identify in these requests."""
    found: set[int] = set()
    for envelope, identifications, _ in requests:
        source = known.sources.get(envelope.source)
        if not identifications or source is None:
            continue
        if envelope.profile in known.profile_ids:
            found.add(known.profile_ids[envelope.profile].id)
        for event_session in {envelope.session, *(event.session for event in envelope.events)}:
            session = known.sessions.get((source.id, event_session or ""))
            if session is not None:
                found.add(session.profile_id.id)
        found.update(
            known.events[source.id, event.id].profile_id.id
            for event in envelope.events
            if (source.id, event.id) in known.events
        )
    return found


class Assignment:
    """The writes of one commit, gathered request by request in the order of arrival."""

    def __init__(
        self,
        known: Known,
        exclusive_kinds: frozenset[str],
        *,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.writes = Writes()
        self._known = known
        self._exclusive_kinds = exclusive_kinds
        self._new_id = new_id
        self._new_sessions: dict[int, int] = {}  # number -> place in writes.sessions

    def assign(self, request: Request) -> Receipt:
        """Add one request's writes; raises Refused, and adds nothing, where it may not send."""
        envelope, identifications, received_ms = request
        source = self._source(envelope)
        session = self._request_session(envelope, source, received_ms)
        receipt = Receipt(profile="", session=session.public_id, rejected=envelope.rejected)
        for event in envelope.events:
            receipt.events.append(event.id)
            if (source.id, event.id) in self._known.events:
                receipt.duplicates += 1
                continue
            receipt.accepted += 1
            own = event.session or session.public_id
            event_session = self._session(
                source, own, session.profile_id, _event_time_ms(event, envelope, received_ms)
            )
            identification = identifications.get(event.index)
            if identification is not None:
                receipt.warnings += _warnings(event, identification)
                event_session = self._change_hands(
                    source, event_session, identification, received_ms
                )
            self._add_event(request, source, event, event_session)
        receipt.profile = self._known.sessions[source.id, session.public_id].profile_id.public_id
        return receipt

    def _source(self, envelope: Envelope) -> Source:
        source = self._known.sources.get(envelope.source)
        if source is None or not source.enabled:
            raise unknown_source(envelope.source)
        if envelope.origin and source.origins and envelope.origin not in source.origins:
            raise origin_not_allowed(envelope.origin)
        return source

    def _request_session(self, envelope: Envelope, source: Source, received_ms: int) -> Session:
        """The session of a request: its own, or an event's, or of a retried event, or a new one."""
        named = [envelope.session, *(event.session for event in envelope.events)]
        public_ids = [public_id for public_id in named if public_id is not None]
        for public_id in public_ids[:1] if envelope.session else public_ids:
            if (source.id, public_id) in self._known.sessions:
                return self._known.sessions[source.id, public_id]
        known_profile_id = self._known.profile_ids.get(envelope.profile or "")
        if not public_ids and known_profile_id is None:
            for event in envelope.events:
                retried = self._known.events.get((source.id, event.id))
                if retried is not None:
                    return self._known.sessions.setdefault((source.id, retried.public_id), retried)
        if known_profile_id is None:
            known_profile_id = self._sibling(envelope, source) or self._issue(source, received_ms)
        first = envelope.events[0] if envelope.events else None
        started_ms = _event_time_ms(first, envelope, received_ms) if first else received_ms
        public_id = public_ids[0] if public_ids else self._new_id()
        return self._session(source, public_id, known_profile_id, started_ms)

    def _sibling(self, envelope: Envelope, source: Source) -> ProfileId | None:
        """The profile ID of another session in the same request, which is of the same device."""
        for event in envelope.events:
            session = self._known.sessions.get((source.id, event.session or ""))
            if session is not None:
                return session.profile_id
        return None

    def _session(
        self, source: Source, public_id: str, profile_id: ProfileId, started_ms: int
    ) -> Session:
        known = self._known.sessions.get((source.id, public_id))
        if known is not None:
            return known
        self._known.last_session += 1
        session = Session(self._known.last_session, public_id, profile_id)
        self._known.sessions[source.id, public_id] = session
        self._new_sessions[session.id] = len(self.writes.sessions)
        self.writes.sessions.append(
            NewSession(session.id, source.id, public_id, profile_id.id, started_ms)
        )
        return session

    def _issue(self, source: Source, received_ms: int) -> ProfileId:
        self._known.last_profile_id += 1
        profile_id = ProfileId(self._known.last_profile_id, self._new_id())
        self._known.profile_ids[profile_id.public_id] = profile_id
        self.writes.profile_ids.append(NewProfileId(*profile_id, source.id, received_ms))
        return profile_id

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

    def _add_event(self, request: Request, source: Source, event: Event, session: Session) -> None:
        envelope, identifications, received_ms = request
        time_ms = _event_time_ms(event, envelope, received_ms)
        profile_id = session.profile_id.id
        self._known.events[source.id, event.id] = session
        self.writes.events.append(
            NewEvent(
                source.id,
                event.id,
                event.type,
                profile_id,
                session.id,
                time_ms,
                received_ms,
                event.properties,
                event.context,
                envelope.context,
            )
        )
        identification = identifications.get(event.index)
        if identification is None:
            return
        self.writes.links += [
            SourcedLink(Link(profile_id, key, time_ms, event.id), source.id)
            for key in identification.keys
        ]
        self.writes.traits += [
            Trait(profile_id, name, value, time_ms, event.id)
            for name, value in identification.traits.items()
        ]


def _event_time_ms(event: Event, envelope: Envelope, received_ms: int) -> int:
    """The client's time on the collector's clock; never later than the moment of arrival."""
    if event.time_ms is None:
        return received_ms
    skew_ms = 0 if envelope.sent_at_ms is None else received_ms - envelope.sent_at_ms
    return min(event.time_ms + skew_ms, received_ms)


def _warnings(event: Event, identification: Identification) -> list[EventWarning]:
    return [
        EventWarning(event.index, event.id, code, f"events[{event.index}].{detail}")
        for code, detail in identification.warnings
    ]
