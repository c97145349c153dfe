"""Our own SDK."""

from scenario import ANONYMOUS, EMAIL, KEY, TRAITS, URL, USER, play

from onetrail import Tracker

tracker = Tracker(URL, source=KEY, data_dir=f"{ANONYMOUS}.data")
play(
    tracker.track,
    lambda: tracker.identify(user_id=USER, email=EMAIL, traits=TRAITS),
    lambda: tracker.flush(timeout_s=30),
)
tracker.close()
