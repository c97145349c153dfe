"""uvicorn as this program runs it: a taken port is said in a sentence, and a stop drains."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.applications import Starlette

GRACE_S = 10  # for answers under way when it is told to stop


class CannotListen(Exception):  # noqa: N818 - read by a person
    """The address is not to be had; the message says what to do."""


class Server(uvicorn.Server):
    """Calls `started` when requests are answered, and `stopped` when all of them were."""

    def __init__(
        self, app: Starlette, *, started: Callable[[], None], stopped: Callable[[], None]
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self._say_started = started
        self._say_stopped = stopped

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn leaves the application open when it is told to stop while it starts."""
        await super().startup(sockets)
        if self.started:
            self._say_started()
            if self.should_exit:
                await self.shutdown(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, answer those under way, close the application."""
        await super().shutdown(sockets)
        self._say_stopped()


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
