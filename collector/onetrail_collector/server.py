"""uvicorn as this program runs it: a taken port is said in a sentence, and a stop drains."""

import gc
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from onetrail_collector.connections import Sweep
from onetrail_collector.guard import FromProxies, Guard
from onetrail_collector.http_bounds import MAX_HEAD_BYTES, protocol
from onetrail_collector.limits import Limits

GC_THRESHOLD = 100_000  # Python's 700 would look at each commit's rows several times
# How long the writing thread, between two steps of SQLite's, and the reading one wait for the event
# loop to let them go on: with Python's 5 ms they wait for all that it has to do.
SWITCH_INTERVAL_S = 0.0005
GRACE_S = 10  # for answers under way when it is told to stop


class CannotListen(Exception):  # noqa: N818 - read by a person
    """The address is not to be had; the message says what to do."""


class Server(uvicorn.Server):
    """Calls `started` when requests are answered, and `stopped` when all of them were."""

    def __init__(  # noqa: PLR0913  what it serves, within what, and what it says
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        answers: Counter[int],
        access_log: bool = False,
        started: Callable[[], None],
        stopped: Callable[[], None],
    ) -> None:
        guard = Guard(app, limits, answers=answers, access_log=access_log)
        proxies = list(limits.trusted_proxies)
        super().__init__(
            uvicorn.Config(
                FromProxies(guard, proxies) if proxies else guard,  # type: ignore[arg-type]
                http=protocol(limits),
                ws="none",
                log_level="error",  # a stranger's bad request is no warning of ours
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                timeout_keep_alive=limits.idle_timeout_s,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        guard.connections = self.server_state.connections
        self._sweep = Sweep(limits)
        _allow_sockets(limits.connections)
        self._say_started = started
        self._say_stopped = stopped

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: once in a second, look at all connections."""
        if counter % 10 == 0:
            self._sweep.look(self.server_state.connections, time.monotonic())
        return await super().on_tick(counter)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn leaves the application open when it is told to stop while it starts."""
        await super().startup(sockets)
        gc.freeze()  # what is here now stays
        gc.set_threshold(GC_THRESHOLD)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        if self.started:
            self._say_started()
            if self.should_exit:
                await self.shutdown(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, answer those under way, close the application."""
        await super().shutdown(sockets)
        self._say_stopped()


def _allow_sockets(connections: int) -> None:
    """As many open files as the system lets this process have, up to what it may need."""
    try:
        import resource  # noqa: PLC0415 - Windows has none, and no such limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections * 2 + 100
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on (host, port); port 0 takes a free one. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise CannotListen(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port"
        ) from None
    return listening
