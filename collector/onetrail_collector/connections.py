"""Connections that are held and not used: found by looking at all of them once a second.

uvicorn has a time-out for the pause between two requests and none within one
(https://github.com/Kludex/uvicorn/issues/157), so that one byte now and then holds a connection
for ever. A look costs requests nothing: whoever stands in the same phase of the same request as
long as the phase may last is told so and cut off.
"""

from collections.abc import Collection
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from onetrail_collector.errors import Refused
from onetrail_collector.http_bounds import to_line
from onetrail_collector.limits import Limits

REST_S = 2  # for a body that was refused before its end: its client is to read why (RFC 9112, 9.6)
ROOM_AGAIN = 0.9  # of the connections that may be open, once there were too many

PhaseName = Literal["head", "body", "rest", "answer", "idle"]


class Phase(NamedTuple):
    """What a connection waits for its client to do, and in which request."""

    name: PhaseName
    request: object  # the very request: another one is a phase of its own


def phase(connection: Any) -> Phase | None:
    """Where one of uvicorn's connections stands; None while the collector works for it."""
    cycle, scope = connection.cycle, connection.scope
    if connection.transport.is_closing():
        return Phase("answer", scope)  # it does not read the last of what it was told
    if cycle is None or cycle.scope is not scope:
        return Phase("head", scope)  # or it has sent nothing yet
    if connection.flow.write_paused:
        return Phase("answer", scope)
    if cycle.response_complete:
        return Phase("rest" if cycle.more_body else "idle", scope)
    return Phase("body", scope) if cycle.more_body else None


class Sweep:
    """Remembers since when each connection stands where it does."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since: dict[Any, tuple[Phase, float]] = {}
        self._timeout_s: dict[PhaseName, int] = {
            "head": limits.head_timeout_s,
            "body": limits.body_timeout_s,
            "rest": REST_S,
            "answer": limits.body_timeout_s,
            "idle": limits.idle_timeout_s,
        }

    def look(self, connections: Collection[Any], now_s: float) -> None:
        """Cut off whoever is overdue; where there are too many, whoever was idle longest."""
        before, self._since = self._since, {}
        idle: list[tuple[float, Any]] = []
        for connection in list(connections):
            present = phase(connection)
            if present is None:
                continue
            seen, since_s = before.get(connection, (present, now_s))
            if seen.name != present.name or seen.request is not present.request:
                since_s = now_s
            if now_s - since_s >= self._timeout_s[present.name]:
                _cut_off(connection, present.name, self._timeout_s[present.name])
                continue
            self._since[connection] = present, since_s
            if present.name == "idle":
                idle.append((since_s, connection))
        if len(connections) >= self._limits.connections:
            excess = len(connections) - int(self._limits.connections * ROOM_AGAIN)
            for _, connection in sorted(idle, key=itemgetter(0))[:excess]:
                connection.transport.close()


def _cut_off(connection: Any, name: PhaseName, timeout_s: int) -> None:
    if name == "answer":
        connection.transport.abort()
        return
    if name == "body" or (name == "head" and connection.scope is not None):
        what = "headers were" if name == "head" else "body was"
        detail = f"the request's {what} not here after {timeout_s} s, which is the limit"
        connection.transport.write(to_line(Refused(408, "timeout", detail)))
    connection.transport.close()
