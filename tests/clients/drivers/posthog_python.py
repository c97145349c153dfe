"""posthog, on a server that names people and no devices."""

from posthog import Posthog
from scenario import ANONYMOUS, EMAIL, KEY, TRAITS, URL, USER, play

client = Posthog(KEY, host=URL, flush_interval=0.1)
who = [ANONYMOUS]


def identify() -> None:
    client.alias(ANONYMOUS, USER)
    client.set(distinct_id=USER, properties={"email": EMAIL, **TRAITS})
    who[0] = USER


play(lambda event: client.capture(event, distinct_id=who[0]), identify, client.flush)
