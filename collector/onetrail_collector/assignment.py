"""Which profile ID an event gets, decided for all requests of one commit: values in, values out.

In this order: the session's, if the session is known; else the payload's, if the collector issued
it; else a new one. Events of other sessions in the same request come from the same device.
A device on which a second value of an exclusive kind signs in has changed hands: its session goes
on under a new profile ID.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import NamedTuple

from onetrail_collector import quarantine
from onetrail_collector.errors import origin_not_allowed, secret_required, unknown_source
from onetrail_collector.identification import Identification
from onetrail_collector.identity.resolve import Link
from onetrail_collector.identity.traits import Trait
from onetrail_collector.ids import uuid4
from onetrail_collector.link_warnings import Linked
from onetrail_collector.origins import is_allowed
from onetrail_collector.store.rows import (
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
from onetrail_collector.wire.envelope import Client, Envelope, Event, EventWarning, Receipt


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
    for envelope, *_ in requests:
        sessions = asked.sessions.setdefault(envelope.source, [])
        if envelope.session is not None:
            sessions.append(envelope.session)
        sessions += [event.session for event in envelope.events if event.session is not None]
        events = asked.events.setdefault(envelope.source, [])
        if with_events or envelope.session is None:
            events += [event.id for event in envelope.events]
        if envelope.profile is not None:
            asked.profile_ids.add(envelope.profile)
        if envelope.context is not None and envelope.context not in asked.contexts:
            asked.contexts[envelope.context] = hashlib.sha256(envelope.context.encode()).hexdigest()
    return asked


def identified_profile_ids(requests: Iterable[Request], known: Known) -> set[int]:
    """The profile IDs, of those known, under which somebody may identify in these requests."""
    found: set[int] = set()
    for envelope, identifications, *_ in requests:
        source = known.sources.get(envelope.source)
        if not identifications or source is None:
            continue
        if envelope.profile in known.profile_ids:
            found.add(known.profile_ids[envelope.profile].id)
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

    def assign(self, request: Request) -> Receipt:
        """Add one request's writes; raises Refused, and adds nothing, where it may not send."""
        envelope, identifications, received_ms, strangers = request
        source = self._source(envelope)
        device = self._device_session(envelope, source, received_ms)
        receipt = Receipt("", device.public_id, rejected=envelope.rejected)
        known, rows = self._known.events[source.id], self.writes.events
        context_id = self._context(envelope.context)
        skew_ms = _skew_ms(envelope, received_ms)
        session = device
        for stranger in strangers:
            session = self._change_hands(source, session, stranger, received_ms)
        if envelope.refused:
            self.writes.quarantine += quarantine.rows(envelope, source.id, received_ms)
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
                session = self._change_hands(source, session, identification, received_ms)
                self._identify(source, event, session.profile_id.id, time_ms, identification)
                self.linked += [
                    Linked(receipt, event, envelope.trusted, session.profile_id.id, key)
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

    def _device_session(self, envelope: Envelope, source: Source, received_ms: int) -> Session:
        """The session that a request is of, known or new, and with it the device."""
        known = self._known
        named = _sessions(envelope)
        found = known.sessions.get((source.id, named[0])) if named else None
        if found is not None:
            return found
        profile_id = known.profile_ids.get(envelope.profile or "")
        if profile_id is None and not named:
            for event in envelope.events:  # a retry, of a client that has no session
                retried = known.events[source.id].get(event.id)
                if retried is not None:
                    return known.sessions.setdefault((source.id, retried.public_id), retried)
        if profile_id is None:
            profile_id = self._sibling(source, named) or self._issue(source, received_ms)
        public_id = named[0] if named else self._new_id()
        skew_ms = _skew_ms(envelope, received_ms)
        if skew_ms is not None:
            self.writes.skews_ms.append(skew_ms)
        return self._session(
            source, public_id, profile_id, _started_ms(envelope, received_ms), envelope.client
        )

    def _sibling(self, source: Source, named: list[str]) -> ProfileId | None:
        """The profile ID of another session in the same request, which is of the same device."""
        for public_id in named[1:]:
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

    def _issue(self, source: Source, received_ms: int) -> ProfileId:
        self._known.last_profile_id += 1
        profile_id = ProfileId(self._known.last_profile_id, self._new_id())
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
        profile_id: int,
        time_ms: int,
        identification: Identification,
    ) -> None:
        self.writes.links += [
            SourcedLink(Link(profile_id, key, time_ms, event.id), source.id)
            for key in identification.keys
        ]
        self.writes.traits += [
            Trait(profile_id, name, value, time_ms, event.id)
            for name, value in identification.traits.items()
        ]


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
    return [
        EventWarning(event.index, event.id, code, f"events[{event.index}].{detail}")
        for code, detail in identification.warnings
    ]
