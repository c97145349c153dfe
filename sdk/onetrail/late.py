"""httpx, loaded when the first request is sent: a tenth of a second that import must not cost.

It is loaded by the sender's thread, and it loads more of its parts when the first client is made. A
fork in the middle of that would leave the child with half a module and its lock held by nobody: so
a fork waits until it is whole.
"""

from __future__ import annotations

import codecs
import threading
from typing import TYPE_CHECKING

from onetrail.log import hush_httpx

if TYPE_CHECKING:
    import httpx

fork_lock = threading.Lock()
"""Held while loading, and by `lifecycle` during a fork."""


def new_client(*, connect_timeout_s: float, read_timeout_s: float) -> httpx.Client:
    """A client that follows no redirects; opens no connection yet."""
    with fork_lock:
        import httpx  # noqa: PLC0415  as above

        codecs.lookup("idna")  # which the first connection would load, to encode the host's name
        hush_httpx()
        timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s)
        return httpx.Client(timeout=timeout, follow_redirects=False)
