"""What an operator lets the collector know of a device from its connection and its headers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Ip = Literal["none", "truncated", "full"]
"""Of an address is stored: nothing; its /24 (IPv4) or /48 (IPv6); all of it."""

Bots = Literal["keep", "mark", "refuse"]
"""What becomes of a known crawler's events: as anybody's; its session says so; refused with 403."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """The least by default: no address, no place; of a user agent what it means."""

    ip: Ip = "none"
    geoip: Path | None = None  # a file in MaxMind's format; the place is kept, not the address
    user_agents: bool = True
    bots: Bots = "mark"
    bots_of: Mapping[str, Bots] = field(default_factory=dict)  # by source, where not `bots`
