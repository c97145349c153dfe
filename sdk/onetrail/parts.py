"""Puts a tracker's parts together: the one place that knows them all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from onetrail.clock import Clock, SystemClock
from onetrail.consent import Consent
from onetrail.context import device_context
from onetrail.delivery import Delivery
from onetrail.holder import StateFile
from onetrail.ids import EventIds, new_id
from onetrail.outbox.bounds import Bounds
from onetrail.outbox.lease import Lease
from onetrail.outbox.outbox import Outbox
from onetrail.presence import Presence
from onetrail.sender import Sender
from onetrail.settings import Durability, Settings
from onetrail.tally import Tally
from onetrail.transport import HttpTransport, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike


class Wiring(NamedTuple):
    """Parts that tests replace; an app leaves them alone."""

    clock: Clock | None = None
    transport: Transport | None = None
    new_id: Callable[[], str] = new_id
    event_id: Callable[[int], str] | None = None
    context: Mapping[str, Any] | None = None


class Parts(NamedTuple):
    """What a tracker is made of."""

    settings: Settings
    clock: Clock
    outbox: Outbox
    sender: Sender
    presence: Presence
    consent: Consent
    tally: Tally
    event_id: Callable[[int], str]
    renew_ids: Callable[[], None]


def assemble(  # noqa: PLR0913  the tracker's options, handed on
    collector_url: str,
    *,
    source: str,
    app_name: str | None,
    app_version: str | None,
    data_dir: str | PathLike[str] | None,
    durability: Durability,
    settings: Settings | None,
    wiring: Wiring,
    on_profile: Callable[[str, str], None],
    tend: Callable[..., None],
) -> Parts:
    """Makes the parts; reads the state file, and opens no outbox and no connection yet."""
    if durability not in get_args(Durability):
        raise ValueError(f"durability is {durability!r}; it must be one of {get_args(Durability)}")
    settings = settings or Settings()
    clock = wiring.clock or SystemClock()
    folder = user_folder(app_name or source) if data_dir is None else Path(data_dir).absolute()
    limits = Bounds(settings.max_events, settings.max_bytes, settings.max_age_s)
    outbox = Outbox(
        folder / "outbox.db",
        durability=durability,
        limits=limits,
        clock=clock,
        group_interval_s=settings.group_interval_s,
    )
    state = StateFile(folder / "state.json")
    context = device_context(app_name, app_version) if wiring.context is None else wiring.context
    presence = Presence(
        state,
        outbox,
        clock,
        context=json.dumps(context, separators=(",", ":")),
        session_timeout_s=settings.session_timeout_s,
        new_id=wiring.new_id,
    )
    transport = wiring.transport or HttpTransport(collector_url, settings)
    tally = Tally()
    delivery = Delivery(
        outbox,
        transport,
        source=source,
        settings=settings,
        clock=clock,
        profile_of=presence.profile_of,
        on_profile=on_profile,
        tally=tally,
    )
    sender = Sender(
        delivery,
        Lease(str(folder / "outbox.lease")),
        settings=settings,
        tend=tend,
        disconnect=transport.close,
    )
    ids = EventIds()
    return Parts(
        settings,
        clock,
        outbox,
        sender,
        presence,
        Consent(state),
        tally,
        wiring.event_id or ids.next,
        ids.renew,
    )


def user_folder(name: str) -> Path:
    """Where an app's outbox and state are kept when it does not say."""
    import platformdirs  # noqa: PLC0415  needed only without data_dir

    return Path(platformdirs.user_data_dir("onetrail", appauthor=False)) / _safe(name)


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
