"""Who holds the device: the profile ID the collector issued, kept in a small state file.

A holder is whoever uses this installation between two calls of reset(). The state file outlives the
outbox, so that a damaged outbox never costs the device its profile ID.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from onetrail.ids import new_id
from onetrail.log import logger

if TYPE_CHECKING:
    from pathlib import Path


class Holder(NamedTuple):
    """One person's time with this installation."""

    id: str
    """Made here, never sent: ties waiting events to the profile ID of their first answer."""
    profile_id: str | None
    """Issued by the collector; None until it has answered once."""


class StateFile:
    """Reads and writes the state; a file that cannot be written is said once and lived with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said = False

    def load(self) -> Holder:
        """The holder as last saved, or a new one."""
        saved = self._read()
        if not isinstance(saved.get("holder"), str):
            fresh = {**saved, "holder": new_id(), "profile_id": None}
            self._write(fresh, only_if_none=not self._path.exists())
            saved = self._read()  # another process may have been first
            saved = saved if isinstance(saved.get("holder"), str) else fresh
        profile_id = saved.get("profile_id")
        return Holder(saved["holder"], profile_id if isinstance(profile_id, str) else None)

    def save(self, holder: Holder) -> Holder:
        """Replaces the file in one step: a power cut leaves the old or the new, never half."""
        self._write({**self._read(), "holder": holder.id, "profile_id": holder.profile_id})
        return holder

    def load_consent(self) -> bool | None:
        """What the person has said about tracking; None if nothing."""
        given = self._read().get("consent")
        return given if isinstance(given, bool) else None

    def save_consent(self, *, given: bool) -> None:
        """Keeps what the person has said."""
        self._write({**self._read(), "consent": given})

    def _read(self) -> dict[str, Any]:
        try:
            saved = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            self._say("cannot be read", error)
            return {}
        return saved if isinstance(saved, dict) else {}

    def _write(self, state: dict[str, Any], *, only_if_none: bool = False) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{new_id()}.new")
        try:
            self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(state, file)
                file.flush()
                os.fsync(file.fileno())
            _put(fresh, self._path, only_if_none=only_if_none)
        except OSError as error:
            self._say("cannot be written", error)
            with contextlib.suppress(OSError):
                fresh.unlink()

    def _say(self, what: str, error: Exception) -> None:
        if not self._said:
            self._said = True
            logger.warning("state file %s %s (%s)", self._path, what, error)


def _put(fresh: Path, path: Path, *, only_if_none: bool) -> None:
    if only_if_none:
        with contextlib.suppress(OSError):  # it is there, or there are no links on this disk
            path.hardlink_to(fresh)
        if path.exists():
            fresh.unlink()
            return
    fresh.replace(path)
