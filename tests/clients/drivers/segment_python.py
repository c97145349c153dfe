"""segment-analytics-python."""

from scenario import ANONYMOUS, EMAIL, KEY, TRAITS, URL, USER, play
from segment.analytics import Client

client = Client(KEY, host=URL, upload_interval=0.1, gzip=True)
who: dict[str, str] = {"anonymous_id": ANONYMOUS}


def identify() -> None:
    who["user_id"] = USER
    client.identify(traits={"email": EMAIL, **TRAITS}, **who)


play(lambda event: client.track(event=event, **who), identify, client.flush)
