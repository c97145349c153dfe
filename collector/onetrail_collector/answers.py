"""What every answer has, and answers whose head is always the same: these are written down once.

A server that takes a whole answer in one message, of the type WHOLE, says so in the scope's
`extensions` (https://asgi.readthedocs.io/en/latest/extensions.html).
"""

from collections.abc import Sequence

WHOLE = "onetrail.answer"

Headers = Sequence[tuple[bytes, bytes]]

# A page of our own that needs more sets its own of these.
DEFAULT_HEADERS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def with_defaults(headers: Headers) -> list[tuple[bytes, bytes]]:
    """These headers, and what every answer has beside them."""
    own = dict(headers)
    return [*headers, *(header for header in DEFAULT_HEADERS if header[0] not in own)]


class Head:
    """A status and headers that are our own words, and no stranger's: `lines` as they are sent.

    It says neither how long the body is nor what is of one request alone.
    """

    def __init__(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers
        pairs = with_defaults(headers)
        self.lines = b"".join(b"%b: %b\r\n" % pair for pair in pairs)
