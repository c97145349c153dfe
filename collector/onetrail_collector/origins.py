"""Which web pages may send for a source: exact origins, and those of all subdomains.

https://shop.example        this origin (RFC 6454: scheme, host, port where it is not the usual)
https://*.shop.example      any subdomain of it, at any depth, but not shop.example itself
"""

import re

ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
USUAL_PORTS = {"http": "80", "https": "443"}


class InvalidOrigin(ValueError):  # noqa: N818 - read by a person
    """Not an origin; the message says what to write."""


def normal_origin(text: str) -> str:
    """The one spelling that browsers send (https://html.spec.whatwg.org/#origin)."""
    match = ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    if match is None or (match["host"].startswith("*.") and "." not in match["host"][2:]):
        raise InvalidOrigin(
            f"{text[:100]!r} is not an origin; write scheme and host, and a port where it is not "
            "the usual one: https://shop.example, http://localhost:3000, https://*.shop.example"
        )
    usual = match["port"] == USUAL_PORTS.get(match["scheme"])
    port = f":{match['port']}" if match["port"] and not usual else ""
    return f"{match['scheme']}://{match['host']}{port}"


def is_allowed(origin: str, allowed: tuple[str, ...]) -> bool:
    """Whether a page's origin is among those allowed; an empty tuple allows any."""
    return not allowed or origin in allowed or any(_covers(pattern, origin) for pattern in allowed)


def _covers(pattern: str, origin: str) -> bool:
    scheme, star, domain = pattern.partition("*")
    if not star or not origin.startswith(scheme) or not origin.endswith(domain):
        return False
    subdomain = origin[len(scheme) : len(origin) - len(domain)]
    return re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", subdomain) is not None
