"""How much the collector takes, from whom and for how long: the section [limits].

What one request may hold is no setting, because clients rely on it: body.py, wire/, http_bounds.py.
"""

from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Annotated

from msgspec import Meta

Positive = Annotated[int, Meta(ge=1)]
Rate = Annotated[int, Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class Limits:
    """[limits]: a rate of 0 sets none."""

    requests_per_second: Annotated[
        Rate,
        Meta(description="Of one client address (IPv6: /64) that is not local; 0: no limit."),
    ] = 100
    events_per_second: Annotated[
        Rate, Meta(description="Of one source that has no limit of its own; 0: no limit.")
    ] = 20_000
    burst_s: Annotated[
        Positive, Meta(description="What either may take at once, in seconds' worth.")
    ] = 10
    failed_tokens_per_minute: Annotated[
        Rate, Meta(description="Wrong admin tokens of one client address; 0: no limit.")
    ] = 60
    connections: Annotated[Positive, Meta(description="Open at once.")] = 4_000
    connections_per_address: Annotated[
        Positive, Meta(description="Open at once, of one address that is no proxy and not local.")
    ] = 500
    requests_at_once: Annotated[Positive, Meta(description="Under way at once.")] = 3_000
    head_timeout_s: Annotated[
        Positive, Meta(description="Until a request's headers are here, in seconds.")
    ] = 10
    body_timeout_s: Annotated[
        Positive, Meta(description="Until its body is here, and its answer taken, in seconds.")
    ] = 60
    idle_timeout_s: Annotated[
        Positive, Meta(description="Between two requests on a connection, in seconds.")
    ] = 65  # proxies close theirs after 60
    trusted_proxies: Annotated[
        list[str],
        Meta(description="Addresses and networks whose X-Forwarded-For and -Proto are believed."),
    ] = field(default_factory=list)

    def __post_init__(self) -> None:
        for proxy in self.trusted_proxies:
            try:
                ip_network(proxy)
            except ValueError as error:
                raise ValueError(
                    f"limits.trusted_proxies holds {proxy!r}, which is no address or network "
                    f"({error}); write as 127.0.0.1 or 10.0.0.0/8"
                ) from None


UNLIMITED = Limits(requests_per_second=0, events_per_second=0, failed_tokens_per_minute=0)
