"""Taking a port before anything is promised, so that a taken one is said in a sentence."""

import socket


class CannotListen(Exception):  # noqa: N818 - read by a person
    """The address is not to be had; the message says what to do."""


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
