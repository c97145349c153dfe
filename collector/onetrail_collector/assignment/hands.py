"""A device that changes hands, as one request tells of it: events come in the order they happened.

From the moment at which a profile ID was handed over, nothing that comes after is the person's
before, in whichever session. That holds as well where it was handed over long ago, and the request
tells of it by an event that is stored already or by a session that is known: the client has not
heard of it if the answer was lost. A late request brings nothing back: it is known of each
profile ID which ones it took over from, so the order of arrival says nothing.
"""

from onetrail_collector.store.rows import ProfileId


class Hands:
    """The profile IDs that were handed over, as far as one request has told so far."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next: dict[int, ProfileId] = {}

    def see(self, profile_id: ProfileId) -> None:
        """Something is of this profile ID: its device is no longer its predecessor's."""
        for before in profile_id.before:
            self._next[before] = profile_id

    def now(self, profile_id: ProfileId) -> ProfileId:
        """The profile ID under which goes on what was of this one.

        It ends: a profile ID takes over from an older one, whose number is smaller.
        """
        while (later := self._next.get(profile_id.id)) is not None:
            profile_id = later
        return profile_id
