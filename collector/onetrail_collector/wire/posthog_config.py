"""What PostHog's clients ask beside capturing: no flag, no recording, no survey; they go on."""

import msgspec

from onetrail_collector.wire.exchange import Answer, Call
from onetrail_collector.wire.posthog_events import DROPPED
from onetrail_collector.wire.write_key import write_key

_CONFIG = {
    "supportedCompression": ["gzip", "gzip-js"],
    "hasFeatureFlags": False,
    "sessionRecording": False,
    "surveys": False,
    "heatmaps": False,
    "capturePerformance": False,
    "autocaptureExceptions": False,
    "captureDeadClicks": False,
    "defaultIdentifiedOnly": True,
    "toolbarParams": {},
    "siteApps": [],
}


def drop_recording(_: Call) -> Answer:
    """Says that session recordings are not kept."""
    reason = {"error": "not_supported", "detail": DROPPED["$snapshot"]}
    return Answer(msgspec.json.encode({"status": "Ok", "rejected": [reason]}))


def no_flags(_: Call) -> Answer:
    """No feature flag is set, nothing is recorded; clients go on with what they capture."""
    answer = {
        "flags": {},
        "featureFlags": {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        "quotaLimited": [],
    }
    return Answer(msgspec.json.encode(answer | _CONFIG))


def remote_config(call: Call) -> Answer:
    """What posthog-js asks before it starts; as a script it leaves the same in the window."""
    token = write_key(call.params["token"])
    config = msgspec.json.encode({"token": token, **_CONFIG})
    if not call.path.endswith(".js"):
        return Answer(config)
    name = msgspec.json.encode(token).replace(b"<", b"\\u003c")
    script = b"(window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {})[%s] = "
    body = script % name + b'{"config": %s, "siteApps": []}' % config
    return Answer(body, headers=((b"content-type", b"text/javascript"),))
