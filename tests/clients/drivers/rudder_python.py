"""rudder-sdk-python."""

from rudderstack.analytics.client import Client
from scenario import ANONYMOUS, EMAIL, KEY, TRAITS, URL, USER, play

client = Client(KEY, host=URL, upload_interval=0.1)
who: dict[str, str] = {"anonymous_id": ANONYMOUS}


def identify() -> None:
    who["user_id"] = USER
    client.identify(traits={"email": EMAIL, **TRAITS}, **who)


play(lambda event: client.track(event=event, **who), identify, client.flush)
