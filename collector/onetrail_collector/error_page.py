"""What each code of the collector's answers means and what to do: a page, an anchor for each.

docs/errors.md has the same words; a test compares them.
"""

import html
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse


class Explained(NamedTuple):
    """Where a code stands (an HTTP status, or in the answer to an event), and what to do."""

    answered_as: str
    words: str


EXPLAINED = {
    "wrong_shape": Explained(
        "422; or an event is rejected",
        "The JSON is not of the request's shape; `detail` names the field and what was "
        "expected. Mend the sender. In a 200 only that event was rejected: an operator finds "
        "it in the quarantine.",
    ),
    "too_large": Explained(
        "413; or an event is rejected",
        "More bytes or events than the limit in `detail`. Send smaller batches (413), or less "
        "in one event's properties.",
    ),
    "too_deep": Explained(
        "an event is rejected",
        "An event's properties or context are nested deeper than 32 levels; it was not stored, its "
        "neighbours were. Flatten it.",
    ),
    "head_too_large": Explained(
        "431",
        "The request line and headers are over 32,768 bytes, or over 100 headers. Send fewer "
        "cookies.",
    ),
    "timeout": Explained(
        "408",
        "The request's headers or body were not here in time. Send it again, on a better line or "
        "in smaller parts.",
    ),
    "rate_limited": Explained(
        "429",
        "More than this address, or this source, may send. Every event of the request is to be "
        "sent again, after Retry-After seconds; nothing was stored. An operator raises it in "
        "`[limits]` or by `onetrail-collector sources limits ID`.",
    ),
    "suppressed": Explained(
        "an event is rejected",
        "The event is of a person whose data was erased. It is not stored and need not be sent"
        " again. An operator can lift that: `onetrail-collector suppressions lift`.",
    ),
    "not_supported": Explained(
        "an event is rejected",
        "Another protocol has it, and the collector has not: docs/protocols.md.",
    ),
    "not_saved": Explained(
        "an event is rejected",
        "The request asked that nothing of it be stored: Tracardi's `options.saveEvents`.",
    ),
    "stale_arrival": Explained(
        "a warning",
        "A visitor came from another site more than five minutes after leaving it, by a link that "
        "was kept or shared. The event is stored, and the two profile IDs are not joined.",
    ),
    "unknown_arrival": Explained(
        "a warning",
        "Another site passed on a profile ID that this collector did not issue. The event is "
        "stored, and joins nobody. Both sites must send to the same collector.",
    ),
    "not_json": Explained("400", "The body is not JSON in UTF-8."),
    "unsupported_encoding": Explained("415", "Content-Encoding is not gzip, zstd or identity."),
    "unknown_source": Explained(
        "401",
        "`source.id` is not an enabled source here. The operator adds it: `onetrail-collector "
        "sources add ID`. Clients keep their events meanwhile.",
    ),
    "origin_not_allowed": Explained(
        "403",
        "The page's origin is not among those of its source. The operator adds it: `onetrail-"
        "collector sources add ID --origin ORIGIN`.",
    ),
    "bot": Explained(
        "403",
        "The user agent is a known crawler's, and the source takes no events from crawlers "
        "(`privacy.bots`).",
    ),
    "secret_required": Explained(
        "401",
        "The source takes events only with its secret: `Authorization: Bearer SECRET`. The "
        "operator makes one: `onetrail-collector sources secret ID`.",
    ),
    "forbidden": Explained(
        "403",
        "The token is valid but lacks the scope in `detail`. The operator makes one that has it: "
        "`onetrail-collector tokens add NAME --scope SCOPE`.",
    ),
    "exists": Explained("409", "There is one of this id already; change it instead."),
    "unauthorized": Explained(
        "401", "The admin API needs a valid token: `Authorization: Bearer …`."
    ),
    "not_found": Explained("404", "There is nothing of this name."),
    "method_not_allowed": Explained("405", "The path exists, but not with this method."),
    "busy": Explained(
        "503",
        "The collector cannot store just now. Every event of the request is to be sent again, "
        "after Retry-After seconds; nothing was stored.",
    ),
    "not_ready": Explained(
        "503", "It cannot commit now; `detail` says why. It goes on by itself when it can."
    ),
    "bad_request": Explained(
        "400", "This is not HTTP as it should be, or more requests at once than are taken."
    ),
    "internal": Explained(
        "500", "The collector failed on this request; its log says how. Send it again later."
    ),
    "blocked_value": Explained(
        "a warning",
        "The event is stored, but the value is one that many devices send (null, "
        "guest, zeros), and joins nobody.",
    ),
    "invalid_value": Explained(
        "a warning",
        "The event is stored, but the value is not a valid one of its kind, and joins nobody.",
    ),
    "link_refused": Explained(
        "a warning",
        "The event is stored, but its key joins nobody: the device has used more values of its "
        "kind than one may, or what the source's server is told in `detail`. An operator sees why "
        "at `GET /identity/conflicts`.",
    ),
    "unsigned": Explained(
        "a warning",
        "The event is stored, but its source links only keys that its server has signed, and "
        "`properties.signature` does not prove this one.",
    ),
}


async def answer(_: Request) -> HTMLResponse:
    """The page."""
    items = "".join(
        f'<dt id="{code}"><code>{code}</code> ({answered_as})</dt><dd>{html.escape(words)}</dd>'
        for code, (answered_as, words) in EXPLAINED.items()
    )
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Answers explained</title>"
        f"<h1>Answers explained</h1><dl>{items}</dl></html>"
    )
