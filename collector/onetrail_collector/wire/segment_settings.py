"""What the browser clients of Segment and RudderStack ask first; the answer is: send it all here.

Neither gets a destination of its own: what they collect goes to this collector and nowhere else.
"""

import msgspec

from onetrail_collector.wire.exchange import Answer, Call
from onetrail_collector.wire.write_key import write_key


def settings(call: Call) -> Answer:
    """Segment's project settings, which analytics.js takes from its cdnURL."""
    secure = "https" in {call.scheme, call.header(b"x-forwarded-proto")}
    protocol = "https" if secure or (call.origin or "").startswith("https:") else "http"
    target = {
        "apiKey": call.params["write_key"],
        "apiHost": (call.header(b"host") or "") + "/v1",
        "protocol": protocol,
        "unbundledIntegrations": [],
        "addBundledMetadata": False,
    }
    found = {"integrations": {"Segment.io": target}, "metrics": {"sampleRate": 0}, "plan": {}}
    return Answer(msgspec.json.encode(found))


def source_config(call: Call) -> Answer:
    """RudderStack's source configuration, which its browser SDK takes from its configUrl."""
    key = write_key(call.basic_user or call.query.get("writeKey"))
    off = {"enabled": False}
    source = {
        "id": key,
        "name": key,
        "writeKey": key,
        "enabled": True,
        "workspaceId": "onetrail",
        "config": {"statsCollection": {"errors": off, "metrics": off}},
        "destinations": [],
        "connections": [],
    }
    return Answer(msgspec.json.encode({"source": source}))
