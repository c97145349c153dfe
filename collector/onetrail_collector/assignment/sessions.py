"""Sessions and profile IDs of one commit: those that are known, and those that it adds."""

import json
from collections.abc import Callable

from onetrail_collector.identification import Identification
from onetrail_collector.store.rows import (
    Known,
    NewProfileId,
    NewSession,
    ProfileId,
    Session,
    Source,
    Writes,
)
from onetrail_collector.wire.envelope import Client

MAX_BEFORE = 100  # of those from whom a device came, the last

Describe = Callable[[Client, str, str], str | None]
"""What is stored of a new session's client, given its source's id and kind: a JSON object."""


class Sessions:
    """`known` is what was looked up and, from then on, what this commit has added to it."""

    def __init__(
        self,
        known: Known,
        writes: Writes,
        exclusive_kinds: frozenset[str],
        *,
        new_id: Callable[[], str],
        describe: Describe,
    ) -> None:
        self.known = known
        self.writes = writes
        self.new_id = new_id
        self._exclusive_kinds = exclusive_kinds
        self._describe = describe
        self._new_sessions: dict[int, int] = {}  # number -> place in writes.sessions

    def issue(
        self,
        source: Source,
        received_ms: int,
        public_id: str | None = None,
        *,
        handed_from: str | None = None,
    ) -> ProfileId:
        """A new profile ID; its public id is made, or another collector's."""
        self.known.last_profile_id = number = self.known.last_profile_id + 1
        profile_id = ProfileId(number, public_id or self.new_id(), handed_from)
        self.known.profile_ids[profile_id.public_id] = profile_id
        self.writes.profile_ids.append(
            NewProfileId(number, profile_id.public_id, source.id, received_ms, number, handed_from)
        )
        return profile_id

    def session(
        self,
        source: Source,
        public_id: str,
        profile_id: ProfileId,
        started_ms: int,
        client: Client,
    ) -> Session:
        """A session, known or new; a new one is of this profile ID."""
        known = self.known.sessions.get((source.id, public_id))
        if known is not None:
            return known
        self.known.last_session += 1
        session = Session(self.known.last_session, public_id, profile_id)
        self.known.sessions[source.id, public_id] = session
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

    def sibling(self, source: Source, named: list[str]) -> ProfileId | None:
        """The profile ID of another session in the same request, which is of the same device."""
        for public_id in named:
            session = self.known.sessions.get((source.id, public_id))
            if session is not None:
                return session.profile_id
        return None

    def change_hands(
        self, source: Source, session: Session, identification: Identification, received_ms: int
    ) -> Session:
        """The session as it goes on: under a new profile ID where somebody else signs in."""
        stated = {
            key.kind: key.value for key in identification.keys if key.kind in self._exclusive_kinds
        }
        held = self.known.exclusive.setdefault(session.profile_id.id, {})
        if any(held.get(kind, value) != value for kind, value in stated.items()):
            before = [session.profile_id.id, *session.profile_id.before][:MAX_BEFORE]
            next_id = self.issue(source, received_ms, handed_from=json.dumps(before))
            session = self.move(source, session, next_id)
            held = self.known.exclusive.setdefault(session.profile_id.id, {})
        held.update(stated)
        return session

    def move(self, source: Source, session: Session, profile_id: ProfileId) -> Session:
        """The session as it goes on under this profile ID."""
        if session.profile_id == profile_id:
            return session
        session = session._replace(profile_id=profile_id)
        self.known.sessions[source.id, session.public_id] = session
        place = self._new_sessions.get(session.id)
        if place is None:
            self.writes.moved_sessions[session.id] = profile_id.id
        else:
            moved = self.writes.sessions[place]._replace(profile_id=profile_id.id)
            self.writes.sessions[place] = moved
        return session
