"""A CRM that follows who is who: its records keep the public id of the profile they belong to.

Run it again and again, or with `--forever`; changes.json holds what it knows and how far it read.
ADMIN_TOKEN is the collector's admin token; COLLECTOR its address.
"""

import json
import os
import sys
import time
from pathlib import Path

import httpx

STATE = Path("changes.json")
COLLECTOR = os.environ.get("COLLECTOR", "http://127.0.0.1:8000")
HEADERS = {"authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"}


def get(path: str, **params: int) -> dict:
    """What the collector answers; {} where nobody has that profile ID any more."""
    answer = httpx.get(COLLECTOR + path, params=params, headers=HEADERS)
    return {} if answer.status_code == httpx.codes.NOT_FOUND else answer.raise_for_status().json()


def follow(state: dict) -> None:
    """Apply all changes since the last time; `records` maps a profile ID to its public id."""
    records = state["records"]
    more = True
    while more:
        answer = get("/profiles/changes", since=state["since"])
        for change in answer["changes"]:
            if change["what"] == "merged":  # all that was `other` is `profile` now
                for profile_id, public_id in records.items():
                    if public_id == change["other"]:
                        records[profile_id] = change["profile"]
                records[change["other"]] = change["profile"]
            elif change["what"] == "split":  # `other` took some profile IDs along: ask which
                split_off = get(f"/profiles/{change['other']}", limit=1000)
                for device in split_off.get("profile_ids", []):
                    records[device["id"]] = split_off["id"]
            elif change["what"] == "erased":  # and so must be what is known here of that person
                records.pop(change["other"], None)
        state["since"], more = answer["next"], answer["more"]
        STATE.write_text(json.dumps(state))  # after a crash the same changes come again: harmless


def main() -> None:
    state = {"since": 0, "records": {}}
    if STATE.exists():
        state = json.loads(STATE.read_text())
    follow(state)
    while "--forever" in sys.argv:
        time.sleep(10)
        follow(state)
    for profile_id, public_id in sorted(state["records"].items()):
        print(profile_id, "is found as", public_id)


if __name__ == "__main__":
    main()
