"""What an operator lets the collector know of a device from its connection and its headers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Ip = Literal["none", "truncated", "full"]
"""Of an address is stored: nothing; its /24 (IPv4) or /48 (IPv6); all of it."""

Bots = Literal["keep", "mark", "refuse"]
"""What becomes of a known crawler's events: as anybody's; its session says so; refused with 403."""


class OfSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What differs for one source."""

    bots: Bots | None = None


@dataclass(frozen=True, slots=True)
class Privacy:
    """[privacy]: the least by default."""

    ip: Annotated[
        Ip,
        Meta(description="Of client addresses is stored: none; truncated, /24 or /48; full."),
    ] = "none"
    geoip: Annotated[
        Path | None,
        Meta(description="A MaxMind-format file: country, region and city are kept, if it is set."),
    ] = None
    user_agents: Annotated[
        bool, Meta(description="Whether browser, system and device are kept of a user agent.")
    ] = True
    bots: Annotated[
        Bots,
        Meta(description="A crawler's events: keep as any; mark its session; refuse with 403."),
    ] = "mark"
    sources: Annotated[
        dict[str, OfSource], Meta(description="What differs for a source, by its id; see below.")
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.geoip is not None and not self.geoip.is_file():
            raise ValueError(f"privacy.geoip: there is no file {self.geoip}")
