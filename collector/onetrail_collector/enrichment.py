"""What connection and headers say of a device: browser, system, place, whether it is a crawler.

It is found once a session, when its first request is stored, and kept with the session. Neither the
user agent's text nor (by default) the address is stored. The libraries and the lists are others':
ua-parser (uap-core's expressions), crawler-user-agents, maxminddb.
"""

import re
from collections import Counter
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import crawleruseragents
import maxminddb
import msgspec
import ua_parser

from onetrail_collector.errors import Refused
from onetrail_collector.privacy import Ip, Privacy
from onetrail_collector.wire.envelope import Client

MAX_USER_AGENT_CHARS = 512  # longer ones are made to be
IPV4_PREFIX_BITS = 24
IPV6_PREFIX_BITS = 48


class Enrichment:
    """Describes clients as the settings allow.

    `counts` has the sessions that were marked as a bot's, and the requests refused as such.
    """

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy
        self._places = None if privacy.geoip is None else maxminddb.open_database(privacy.geoip)
        self._place = lru_cache(maxsize=4096)(self._look_up)
        self.counts: Counter[str] = Counter()

    def close(self) -> None:
        """Let the file of places go."""
        if self._places is not None:
            self._places.close()

    def describe(self, client: Client, source: str, kind: str) -> str | None:
        """What is stored of a new session's client: a JSON object, None where it is empty.

        Only at a `kind` of web: a server's or an app's client is an HTTP library, and no crawler.
        """
        known: dict[str, Any] = {}
        if client.user_agent:
            if self._privacy.user_agents:
                known |= browser(client.user_agent)
            marks = kind == "web" and self._bots(source) != "keep"
            bot = crawler(client.user_agent) if marks else None
            if bot is not None:
                known["bot"] = bot
                self.counts["marked"] += 1
        if client.address:
            address = kept_address(client.address, self._privacy.ip)
            place = self._place(client.address) if self._places is not None else None
            known |= {"ip": address} if address else {}
            known |= {"place": place} if place else {}
        return msgspec.json.encode(known).decode() if known else None

    def admit(self, client: Client, source: str) -> None:
        """Raises Refused (403) where the source wants no crawlers and this is one."""
        if self._bots(source) == "refuse" and client.user_agent and crawler(client.user_agent):
            self.counts["refused"] += 1
            raise Refused(
                403, "bot", f"source {source!r} takes no events from crawlers, as this client says"
            )

    def _bots(self, source: str) -> str:
        own = self._privacy.sources.get(source)
        return self._privacy.bots if own is None or own.bots is None else own.bots

    def _look_up(self, address: str) -> dict[str, str] | None:
        assert self._places is not None  # noqa: S101 - for the type checker
        ip = _parsed(address)
        return None if ip is None else place(self._places.get(ip))


@lru_cache(maxsize=4096)
def browser(user_agent: str) -> dict[str, Any]:
    """Browser, system and device, of a browser's user agent; apps tell theirs themselves."""
    if not user_agent.startswith(("Mozilla/", "Opera/")):
        return {}
    parsed = ua_parser.parse(user_agent[:MAX_USER_AGENT_CHARS])
    known: dict[str, Any] = {}
    if parsed.user_agent is not None:
        known["browser"] = _named(parsed.user_agent.family, parsed.user_agent.major)
    if parsed.os is not None:
        known["os"] = _named(parsed.os.family, parsed.os.major)
    if parsed.device is not None:
        known["device"] = parsed.device.model or parsed.device.family
    return known


@lru_cache(maxsize=4096)
def crawler(user_agent: str) -> str | None:
    """The pattern of the list by which a crawler is known, as a name; None where it is none."""
    text = user_agent[:MAX_USER_AGENT_CHARS]
    if not crawleruseragents.is_crawler(text):
        return None
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        if (found := re.search(entry["pattern"], text)) is not None:
            return found[0].strip(" /(;")[:64]
    return None


def kept_address(address: str, ip: Ip) -> str | None:
    """What is stored of an address; None where it is nothing, or is no IP address."""
    parsed = None if ip == "none" else _parsed(address)
    if parsed is None or ip == "full":
        return None if parsed is None else str(parsed)
    bits = IPV4_PREFIX_BITS if parsed.version == 4 else IPV6_PREFIX_BITS  # noqa: PLR2004
    return str(ip_network((parsed, bits), strict=False))


def place(record: Any) -> dict[str, str] | None:
    """Country, region and city of a record in MaxMind's City or Country format."""
    if not isinstance(record, dict):
        return None
    found = {
        "country": record.get("country", {}).get("iso_code"),
        "region": (record.get("subdivisions") or [{}])[0].get("iso_code"),
        "city": record.get("city", {}).get("names", {}).get("en"),
    }
    return {name: value for name, value in found.items() if value} or None


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def _named(name: str, version: str | None) -> dict[str, str]:
    return {"name": name} | ({"version": version} if version else {})
