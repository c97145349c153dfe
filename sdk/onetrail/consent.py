"""Whether this person may be tracked: their own word, kept in the state file, or DO_NOT_TRACK."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onetrail.holder import StateFile


class Consent:
    """Knows whether to record. opt_in() of the person at this device outweighs DO_NOT_TRACK."""

    def __init__(self, state: StateFile) -> None:
        self._state = state
        said = state.load_consent()
        self.given = _asked_not_to() is False if said is None else said

    def refresh(self) -> None:
        """Another process of the app may have been told otherwise."""
        said = self._state.load_consent()
        self.given = self.given if said is None else said

    def give(self) -> None:
        """The person agrees; kept across starts."""
        self.given = True
        self._state.save_consent(given=True)

    def withdraw(self) -> None:
        """The person objects; kept across starts."""
        self.given = False
        self._state.save_consent(given=False)


def _asked_not_to() -> bool:
    """The environment variable of consoledonottrack.com: anything but 0 and empty means no."""
    return os.environ.get("DO_NOT_TRACK", "0").strip().lower() not in {"", "0", "false"}
