"""snowplow-tracker; who somebody is, it says with setUserId and a self-describing event."""

from urllib.parse import urlsplit

from scenario import ANONYMOUS, EMAIL, KEY, TRAITS, URL, USER, play
from snowplow_tracker import (
    Emitter,
    SelfDescribing,
    SelfDescribingJson,
    StructuredEvent,
    Subject,
    Tracker,
)

IDENTIFY = "iglu:com.example/identify/jsonschema/1-0-0"

address = urlsplit(URL)
emitter = Emitter(address.hostname, protocol="http", port=address.port, batch_size=1)
subject = Subject().set_domain_user_id(ANONYMOUS)
tracker = Tracker("scenario", emitter, app_id=KEY, subject=subject)


def identify() -> None:
    subject.set_user_id(USER)
    data = {"email": EMAIL, "traits": TRAITS}
    tracker.track(SelfDescribing(SelfDescribingJson(IDENTIFY, data)))


def track(event: str) -> None:
    tracker.track(StructuredEvent(category="scenario", action=event))


play(track, identify, tracker.flush)
