"""The writes of one commit, decided request by request: values in, values out."""

import hmac
from collections.abc import Callable

from onetrail_collector import quarantine
from onetrail_collector.assignment.devices import Devices, skew_ms
from onetrail_collector.assignment.request import Request, tells_device
from onetrail_collector.assignment.sessions import Describe, Sessions
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
    Envelope,
    Event,
    EventWarning,
    Receipt,
)

UNKNOWN_ARRIVAL = (
    "the profile ID that was passed on was not issued here; "
    "the event is stored, but joins no profile IDs"
)


class Assignment:
    """The writes of one commit, gathered request by request in the order of arrival."""

    def __init__(
        self,
        asked: Question,
        known: Known,
        exclusive_kinds: frozenset[str],
        *,
        new_id: Callable[[], str] = uuid4,
        describe: Describe = lambda *_: None,
    ) -> None:
        self.writes = Writes()
        self.linked: list[Linked] = []
        self._asked = asked
        self._known = known
        self._sessions = Sessions(
            known, self.writes, exclusive_kinds, new_id=new_id, describe=describe
        )
        self._devices = Devices(self._sessions)

    def assign(self, request: Request) -> Receipt:
        """Add one request's writes; raises Refused, and adds nothing, where it may not send."""
        envelope, _, received_ms, strangers = request
        source = self._source(envelope)
        if envelope.refused:
            self.writes.quarantine += quarantine.rows(envelope, source.id, received_ms)
        if envelope.device is not None and not envelope.events:
            return Receipt("", "", rejected=envelope.rejected)
        envelope, device = self._devices.find(envelope, source, received_ms)
        receipt = Receipt("", device.public_id, rejected=envelope.rejected)
        stored = self._known.sessions[source.id, device.public_id]
        session = device if envelope.imported else stored
        for public_id, stranger in strangers:
            if public_id is not None and (source.id, public_id) in self._known.sessions:
                session = self._devices.session(envelope, source, public_id, device, received_ms)
            session, device = self._devices.sign_in(request, source, session, device, stranger)
        request = request._replace(envelope=envelope)
        device = self._add_events(request, source, session, device, receipt)
        receipt.profile = self._devices.goes_on(envelope, source, device).public_id
        self._devices.write()
        receipt.accepted = len(receipt.events) - receipt.duplicates
        return receipt

    def _add_events(
        self, request: Request, source: Source, session: Session, device: Session, receipt: Receipt
    ) -> Session:
        """Add a request's events to the writes and its answer; answers the device as it goes on.

        It runs for each event that there is: what is the same for all of them is looked up before.
        """
        envelope, identifications, received_ms, _ = request
        known, add = self._known.events[source.id], self.writes.events.extend
        source_id, usual = source.id, device.public_id
        context_id = self._context(envelope.context)
        behind_ms = skew_ms(envelope, received_ms)
        shift_ms = behind_ms or 0
        number, holder = session.id, session.profile_id.id
        current: str | None = session.public_id
        if session.profile_id.handed_from is not None and not envelope.imported:
            current = None  # sessions of the one before may come after it
        for event in envelope.events:
            event_id, time_ms, ahead_ms = event.id, event.time_ms, None
            receipt.events.append(event_id)
            if event_id in known:
                receipt.duplicates += 1
                receipt.duplicate_indexes.append(event.index)
                if not envelope.imported and tells_device(event_id):
                    self._devices.repeat(source, known[event_id])
                    current = None  # what follows may go on under another profile ID
                continue
            if time_ms is None:
                time_ms = received_ms
            else:
                time_ms, ahead_ms = time_ms + shift_ms, 0
                if time_ms > received_ms:  # from the future
                    time_ms, ahead_ms = received_ms, time_ms - received_ms
                    self.writes.clamped += 1
            own = event.session or usual
            if own != current:
                session = self._devices.session(envelope, source, own, device, time_ms)
                number, current, holder = session.id, own, session.profile_id.id
            if event.index in identifications:
                session, device = self._sign_in(
                    request, source, event, time_ms, session, device, receipt
                )
                number, holder = session.id, session.profile_id.id
            known[event_id] = session
            add(
                (
                    source_id,
                    event_id,
                    event.type,
                    holder,
                    number,
                    time_ms,
                    received_ms,
                    event.properties,
                    event.context,
                    context_id,
                    behind_ms,
                    ahead_ms,
                )
            )
        return device

    def _sign_in(  # noqa: PLR0913, PLR0917 - who says it, of whom, and who is told
        self,
        request: Request,
        source: Source,
        event: Event,
        time_ms: int,
        session: Session,
        device: Session,
        receipt: Receipt,
    ) -> tuple[Session, Session]:
        """Add what an event says of who somebody is; the session and its device as they go on."""
        envelope, identifications, received_ms, _ = request
        identification = _believed(identifications[event.index], source, envelope)
        session, device = self._devices.sign_in(request, source, session, device, identification)
        holder = session.profile_id
        receipt.warnings += self._identify(
            source, event, holder, (time_ms, received_ms), identification
        )
        self.linked += [
            Linked(receipt, event, envelope.trusted, holder.id, key) for key in identification.keys
        ]
        self.writes.blocked += [(entry, received_ms) for entry in identification.blocked]
        receipt.warnings += _warnings(event, identification)
        return session, device

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

    def _context(self, body: str | None) -> int | None:
        if body is None:
            return None
        number = self._known.contexts.get(body)
        if number is None:
            self._known.last_context = number = self._known.last_context + 1
            self._known.contexts[body] = number
            self.writes.contexts.append(NewContext(number, self._asked.contexts[body], body))
        return number

    def _identify(
        self,
        source: Source,
        event: Event,
        profile_id: ProfileId,
        times_ms: tuple[int, int],
        identification: Identification,
    ) -> list[EventWarning]:
        """Add what an event says of who somebody is; answers what of it joins nobody.

        times_ms: when it happened, when it was received.
        """
        time_ms, received_ms = times_ms
        warnings = []
        for key, claim in zip(identification.keys, identification.claims, strict=True):
            holders = [profile_id]
            if key.kind in {ANOTHER_DEVICE, ARRIVAL}:
                other = self._other(source, claim.key, received_ms)
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

    def _other(self, source: Source, key: Key, received_ms: int) -> ProfileId | None:
        """The profile ID that a key of such a kind names; None where none was issued."""
        if key.kind == ARRIVAL:
            return self._known.profile_ids.get(key.value)
        place = (source.id, key.value.removeprefix(f"{source.public_id}/"))
        if place not in self._known.devices:  # its own events are still to come
            self._devices.keep(place, DeviceKey(self._sessions.issue(source, received_ms), None, 0))
        return self._known.devices[place].profile_id


def _believed(identification: Identification, source: Source, envelope: Envelope) -> Identification:
    """What an event says of who somebody is, as far as its source believes it."""
    if not source.require_signature or envelope.trusted:
        return identification
    return identification.signed_with(source.signing_secret or "")


def _warnings(event: Event, identification: Identification) -> list[EventWarning]:
    return [_warning(event, code, detail) for code, detail in identification.warnings]


def _warning(event: Event, code: str, detail: str) -> EventWarning:
    return EventWarning(event.index, event.id, code, f"events[{event.index}].{detail}")
