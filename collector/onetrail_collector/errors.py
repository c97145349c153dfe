"""One shape for every error the collector answers: a code, and a sentence that says what to do.

Refused
  401 unknown_source, secret_required, unauthorized
  403 origin_not_allowed, forbidden
  400 not_json, bad_request   404 not_found     405 method_not_allowed   408 timeout
  409 exists   413 too_large  415 unsupported_encoding   422 wrong_shape   431 head_too_large
  429 rate_limited, 503 busy  (with Retry-After: nothing is lost, the client keeps what was not
                              acknowledged)
  503 not_ready   (of /readyz)
  500 internal
"""

from collections.abc import Iterable


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that is answered with `{"error": code, "detail": detail}` and an HTTP status.

    `retry_after_s` becomes the header Retry-After (RFC 9110, section 10.2.3).
    """

    def __init__(
        self, status: int, code: str, detail: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s


def not_json(detail: str) -> Refused:
    """The body is not JSON (RFC 8259)."""
    return Refused(400, "not_json", detail)


def too_large(detail: str) -> Refused:
    """More bytes or events than one request may hold; the client may split it."""
    return Refused(413, "too_large", detail)


def wrong_shape(detail: str) -> Refused:
    """JSON, but not of the request's shape."""
    return Refused(422, "wrong_shape", detail)


def unknown_source(public_id: str) -> Refused:
    """No such source, or it is disabled; which of the two is not told to a stranger."""
    return Refused(
        401,
        "unknown_source",
        f"source.id {public_id!r} is not an enabled source of this collector; "
        f"its operator adds one with: onetrail-collector sources add {public_id}",
    )


def origin_not_allowed(origin: str) -> Refused:
    """The page's origin is not among those of the source."""
    return Refused(
        403,
        "origin_not_allowed",
        f"origin {origin!r} is not allowed for this source; "
        "its operator allows it with: onetrail-collector sources add ID --origin ORIGIN "
        "(each origin in full, or https://*.DOMAIN for all subdomains)",
    )


def busy(detail: str, *, retry_after_s: int) -> Refused:
    """The collector cannot take more just now."""
    return Refused(503, "busy", detail, retry_after_s=retry_after_s)


def not_ready(reason: str) -> Refused:
    """The collector cannot commit just now."""
    return Refused(503, "not_ready", reason, retry_after_s=1)


def not_found(detail: str) -> Refused:
    """What was asked for is not here."""
    return Refused(404, "not_found", detail)


def unauthorized() -> Refused:
    """An admin request without a token that is valid."""
    return Refused(
        401,
        "unauthorized",
        "this needs the header 'Authorization: Bearer <admin token>'; the token was printed at the "
        "collector's first start, another is made with: onetrail-collector tokens add NAME",
    )


def secret_required(public_id: str) -> Refused:
    """The source takes events only with its secret, and this was not it."""
    return Refused(
        401,
        "secret_required",
        f"source.id {public_id!r} takes events only with its secret, in the header "
        "'Authorization: Bearer <secret>'; a new one is made with: "
        f"onetrail-collector sources secret {public_id}",
    )


def forbidden(name: str, scope: str, scopes: Iterable[str]) -> Refused:
    """The token is valid, but not for this."""
    return Refused(
        403,
        "forbidden",
        f"this needs a token with the scope {scope!r}; {name!r} has: "
        f"{', '.join(sorted(scopes)) or 'none'}; one is made with: "
        f"onetrail-collector tokens add NAME --scope {scope}",
    )


def rate_limited(detail: str, *, retry_after_s: int) -> Refused:
    """More than this client, or this source, may send in this time."""
    return Refused(429, "rate_limited", detail, retry_after_s=retry_after_s)
