"""The table of settings: a field each, a dataclass a section. How to add one: settings/__init__."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from onetrail_collector.identity.policy import Policy
from onetrail_collector.limits import Limits
from onetrail_collector.privacy import Privacy

Durability = Literal["full", "normal"]
"""What a 2xx promises: "full" survives a power cut, "normal" only the end of the process."""

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65_535)]


@dataclass(frozen=True, slots=True)
class Identity:
    """[identity]: who is who; `identity.py` makes it a Policy."""

    phone_region: Annotated[
        str | None,
        Meta(description="Phone numbers without a country code are of this country, as `CH`."),
    ] = None
    hash_keys: Annotated[
        bool,
        Meta(description="Store merging keys as HMAC-SHA256 under a secret; see identity.md."),
    ] = False
    hash_secret: Annotated[
        str | None,
        Meta(
            description="The secret of `hash_keys`, 32 bytes or more; best from the environment.",
            extra={"secret": True},
        ),
    ] = None
    hash_secret_file: Annotated[
        Path | None,
        Meta(description="A file that holds it instead. Relative: to where the collector runs."),
    ] = None
    kinds: Annotated[
        dict[str, Any], Meta(description="Kinds of merging key, by name; see below.")
    ] = field(default_factory=dict)
    points: Annotated[
        list[Any], Meta(description="Identification points: where keys are in events; see below.")
    ] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Metrics:
    """[metrics]: who may read /metrics."""

    public: Annotated[
        bool, Meta(description="Whether /metrics answers without a token; it names no person.")
    ] = False


class Keep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """[retention.sources.ID]: how long one source's events are kept, where it differs."""

    days: NotNegative | None = None
    rows: NotNegative | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """[retention]: how long events are kept; 0: for ever."""

    days: Annotated[
        NotNegative, Meta(description="Events older than this are deleted; 0: none are.")
    ] = 0
    rows: Annotated[
        NotNegative, Meta(description="Of each source at most so many events are kept; 0: all.")
    ] = 0
    sources: Annotated[
        dict[str, Keep],
        Meta(description="`days` and `rows` of single sources, by ID: `[retention.sources.web]`."),
    ] = field(default_factory=dict)
    interval_s: Annotated[
        Positive, Meta(description="Seconds between two looks for what is too old.")
    ] = 60


@dataclass(frozen=True, slots=True)
class Settings:
    """How one collector runs."""

    db: Annotated[
        Path,
        Meta(description="The SQLite file; made when it is not there. Relative: to where it runs."),
    ] = Path("onetrail.db")
    durability: Annotated[
        Durability,
        Meta(description="What a 2xx survives: full, a power cut; normal, the end of the process."),
    ] = "full"
    demo: Annotated[
        bool, Meta(description="Add the source `demo`, serve /demo, say what to do.")
    ] = False
    host: Annotated[str, Meta(description="The address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="The TCP port to listen on; 0: a free one.")] = 8000
    log_format: Annotated[
        Literal["text", "json"], Meta(description="What the log on stderr is written for.")
    ] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="What is logged at least.")
    ] = "info"
    access_log: Annotated[
        bool, Meta(description="A line for each request: no query, address or content in it.")
    ] = False
    metrics: Metrics = field(default_factory=Metrics)
    retention: Retention = field(default_factory=Retention)
    privacy: Privacy = field(default_factory=Privacy)
    limits: Limits = field(default_factory=Limits)
    policy: Policy = field(default_factory=Policy)  # of the section [identity]
