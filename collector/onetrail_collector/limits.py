"""How much the collector takes, from whom and for how long: the `[limits]` of the configuration.

What one request may hold is no setting, because clients rely on it: body.py, wire/ and server.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """A rate of 0 (those in MAY_BE_0) sets no limit."""

    requests_per_second: int = 100  # of one client address; a local process has no such limit
    events_per_second: int = 20_000  # of one source that has no limit of its own
    burst_s: int = 10  # what either may take at once, in seconds' worth
    failed_tokens_per_minute: int = 60  # of one client address
    connections: int = 4_000
    requests_at_once: int = 3_000
    head_timeout_s: int = 10  # from a request's first byte to the end of its headers
    body_timeout_s: int = 60  # until all of it is here
    idle_timeout_s: int = 65  # between requests; proxies close theirs at 60
    trusted_proxies: tuple[str, ...] = ()  # addresses, networks: their X-Forwarded-For is believed


MAY_BE_0 = {"requests_per_second", "events_per_second", "failed_tokens_per_minute"}
UNLIMITED = Limits(requests_per_second=0, events_per_second=0, failed_tokens_per_minute=0)
