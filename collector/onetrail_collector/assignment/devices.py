"""Which device a request is of, and the session with which it begins.

In this order: the session's, if the session is known; else the payload's profile ID, if the
collector issued it, or the source may make its own; else a new one. Where the client names its
device itself, the profile ID that was issued to it stands for the payload's.
"""

import msgspec

from onetrail_collector.assignment.hands import Hands
from onetrail_collector.assignment.request import Request, sessions_of, tells_device
from onetrail_collector.assignment.sessions import Sessions
from onetrail_collector.device import divide
from onetrail_collector.identification import Identification
from onetrail_collector.store.rows import DeviceKey, ProfileId, Session, Source
from onetrail_collector.wire.envelope import ARRIVAL, Envelope


class Devices:
    """Known and new devices of one commit."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._known = sessions.known
        self._writes = sessions.writes
        self._changed: set[tuple[int, str]] = set()
        self._hands = Hands()  # of the request that was found last

    def find(
        self, envelope: Envelope, source: Source, received_ms: int
    ) -> tuple[Envelope, Session]:
        """The session that a request begins with, and the envelope with all sessions named."""
        self._hands = Hands()
        if envelope.device is not None:
            return self._named_device(envelope, source, received_ms)
        return envelope, self._device_session(envelope, source, received_ms)

    def _device_session(self, envelope: Envelope, source: Source, received_ms: int) -> Session:
        """The session that a request is of, known or new, and with it the device."""
        known = self._known
        named = sessions_of(envelope)
        found = known.sessions.get((source.id, named[0])) if named else None
        if envelope.imported:
            self._take_over(envelope, source, received_ms)
        profile_id = known.profile_ids.get(envelope.profile or "")
        if found is not None:
            return (
                found._replace(profile_id=profile_id) if envelope.imported and profile_id else found
            )
        retried = None if named else self._retried(envelope, source)
        if retried is not None and (
            profile_id is None
            or envelope.imported
            or retried.profile_id == self._hands.now(profile_id)  # not another device's event
        ):
            return retried
        if profile_id is None:
            static_id = envelope.profile if source.static_ids else None
            profile_id = self._sessions.sibling(source, named[1:]) or self._sessions.issue(
                source, received_ms, static_id
            )
        public_id = named[0] if named else self._sessions.new_id()
        behind_ms = skew_ms(envelope, received_ms)
        if behind_ms is not None:
            self._writes.skews_ms.append(behind_ms)
        return self._sessions.session(
            source, public_id, profile_id, _started_ms(envelope, received_ms), envelope.client
        )

    def _retried(self, envelope: Envelope, source: Source) -> Session | None:
        """The session that a request without one was given before, if its events are stored."""
        found = None
        for event in envelope.events:
            stored = self._known.events[source.id].get(event.id)
            if stored is not None and tells_device(event.id):
                self.repeat(source, stored)
                found = self._known.sessions[source.id, stored.public_id]
        return found

    def _take_over(self, envelope: Envelope, source: Source, received_ms: int) -> None:
        """Issue the profile IDs that another collector has issued, as they are."""
        stated = [event.claims.keys for event in envelope.events if event.claims is not None]
        named = [value for keys in stated for kind, value in keys if kind == ARRIVAL]
        for public_id in [envelope.profile or "", *named]:
            if public_id and public_id not in self._known.profile_ids:
                self._sessions.issue(source, received_ms, public_id)

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
            return envelope, known.sessions[source.id, session.public_id]
        behind_ms = skew_ms(envelope, received_ms) or 0
        latest_ms = received_ms - behind_ms
        times_ms = [
            received_ms
            if (at_ms := event.time_ms) is None or at_ms > latest_ms
            else at_ms + behind_ms
            for event in fresh
        ]
        held = known.devices.get(place)
        if held is not None:
            profile_id, present, last_ms = self._present(source, held)
        else:
            sibling = self._sessions.sibling(source, sessions_of(envelope))
            profile_id, present, last_ms = (
                sibling or self._sessions.issue(source, received_ms),
                None,
                0,
            )
        course = divide(fresh, times_ms, present, last_ms, new_id=self._sessions.new_id)
        self.keep(place, DeviceKey(profile_id, course.present, course.last_ms))
        if course.events is not fresh:
            repeated = [event for event in envelope.events if event.id in seen]
            envelope = msgspec.structs.replace(envelope, events=[*repeated, *course.events])
        session = self._sessions.session(
            source, course.begins, profile_id, times_ms[0], envelope.client
        )
        self._sessions.move(source, session, self._hands.now(session.profile_id))
        return envelope, session._replace(profile_id=profile_id)

    def _present(self, source: Source, held: DeviceKey) -> DeviceKey:
        """A named device as it is known, without a session of whoever had it before."""
        self._hands.see(held.profile_id)
        present = self._known.sessions.get((source.id, held.session or ""))
        if present is not None and present.profile_id != held.profile_id:
            return held._replace(session=None)  # hands changed in another session
        return held

    def keep(self, place: tuple[int, str], device: DeviceKey) -> None:
        """Remember where a device that its client names goes on."""
        if self._known.devices.get(place) != device:
            self._known.devices[place] = device
            self._changed.add(place)

    def session(
        self, envelope: Envelope, source: Source, public_id: str, device: Session, time_ms: int
    ) -> Session:
        """A session, known or new, as it goes on at this point of a request."""
        holder = self._hands.now(device.profile_id)
        session = self._sessions.session(source, public_id, holder, time_ms, envelope.client)
        self._hands.see(session.profile_id)
        return self._sessions.move(source, session, self._hands.now(session.profile_id))

    def repeat(self, source: Source, stored: Session) -> None:
        """Go past an event that is stored already, whose device may have changed hands by it."""
        self._hands.see(stored.profile_id)
        self._hands.see(self._known.sessions[source.id, stored.public_id].profile_id)

    def goes_on(self, envelope: Envelope, source: Source, device: Session) -> ProfileId:
        """The profile ID under which a request's own session goes on after it."""
        session = self._known.sessions[source.id, device.public_id]
        if not envelope.imported:
            session = self._sessions.move(source, session, self._hands.now(session.profile_id))
        return session.profile_id

    def sign_in(
        self,
        request: Request,
        source: Source,
        session: Session,
        device: Session,
        identification: Identification,
    ) -> tuple[Session, Session]:
        """The session, and its device, as they go on when an event has said who somebody is."""
        holder, named = session.profile_id, request.envelope.device
        session = self._sessions.change_hands(source, session, identification, request.received_ms)
        self._hands.see(session.profile_id)
        if named is not None and session.profile_id != holder:
            place = (source.id, named)
            self.keep(place, self._known.devices[place]._replace(profile_id=session.profile_id))
            device = device._replace(profile_id=session.profile_id)
        return session, device

    def write(self) -> None:
        """Hand what changed of named devices to the writes."""
        for place in self._changed:
            device = self._known.devices[place]
            session = self._known.sessions.get((place[0], device.session or ""))
            self._writes.devices[place] = (
                *place,
                device.profile_id.id,
                session.id if session else None,
                device.last_ms,
            )
        self._changed.clear()


def skew_ms(envelope: Envelope, received_ms: int) -> int | None:
    """How far the client's clock is behind the collector's; None where it did not say."""
    return None if envelope.sent_at_ms is None else received_ms - envelope.sent_at_ms


def _started_ms(envelope: Envelope, received_ms: int) -> int:
    """When the session of a request began, as far as the request tells."""
    times_ms = [event.time_ms for event in envelope.events[:1] if event.time_ms is not None]
    behind_ms = skew_ms(envelope, received_ms) or 0
    return min([received_ms, *(time_ms + behind_ms for time_ms in times_ms)])
