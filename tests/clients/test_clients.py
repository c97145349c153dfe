"""Other people's clients, unchanged, and ours: the same scenario makes the same profile."""

import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from gate import Gates
from harness import launch, running_site, wait_for
from install import INSTALLED, install
from scenario import DRIVERS, Client, Page, Program, bundle, play, user_of

PROGRAMS = (
    "onetrail_python",
    "segment_python",
    "rudder_python",
    "segment_node",
    "rudder_node",
    "snowplow_python",
    "tracardi_python",
)
SERVERS = ("posthog_python", "posthog_node")  # they name people, and no devices
PAGES = ("onetrail_js", "segment_next", "rudder_js", "posthog_js", "snowplow_js")

EVENTS = {"viewed": 4, "identify": 2, "bought": 2, "waited": 1, "returned": 1}


@pytest.fixture(scope="module")
def collector(module_collector: Any) -> Any:
    """A collector that all the clients have played the scenario with, each as its own source."""
    install()
    shutil.copytree(DRIVERS, INSTALLED / "js" / "drivers", dirs_exist_ok=True)
    made = module_collector
    folder = made.db.parent
    made.start()
    admin = {"authorization": f"Bearer {made.token}"}
    for name in (*PROGRAMS, *SERVERS, *PAGES):
        httpx.post(f"{made.url}/sources", json={"id": name}, headers=admin).raise_for_status()
    with Gates() as gates, running_site() as site, sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        for name in PAGES:
            site.pages[f"/{name}.js"] = bundle(name)
        clients: list[Client] = [
            *(
                Program(name, gates.add(lambda: made.port), folder)
                for name in (*PROGRAMS, *SERVERS)
            ),
            *(Page(name, gates.add(lambda: made.port), site, browser) for name in PAGES),
        ]
        play(clients, made, wait_for)
        browser.close()
    return made


def profile(collector: Any, name: str) -> dict[str, Any]:
    """What is known of a client's user, without what differs from run to run."""
    (found,) = collector.get("/profiles", key=f"user_id:{user_of(name)}")["profiles"]
    events = collector.get(f"/profiles/{found['id']}/events", limit="1000")["events"]
    count = "SELECT count(*) FROM events JOIN sources ON sources.id = source WHERE public_id = ?"
    ((of_the_source,),) = collector.rows(count, name)
    return {
        "devices": len(found["profile_ids"]),
        "sessions": Counter(Counter(event["session"] for event in events).values()),
        "person": {
            (key["kind"], key["value"].replace(name, "X"))
            for key in found["keys"]
            if key["kind"] in {"user_id", "email"}
        },
        "traits": {trait: held["value"] for trait, held in found["traits"].items()},
        "events": Counter(event["type"] for event in events),
        "of other profiles": of_the_source - len(events),
    }


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_makes_the_profile_that_our_sdk_makes(collector: Any, name: str) -> None:
    assert profile(collector, name) == profile(collector, "onetrail_python")


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_names_no_devices_makes_the_same_person(collector: Any, name: str) -> None:
    """Each anonymous ID is a profile ID, and the user's own is another."""
    found, ours = profile(collector, name), profile(collector, "onetrail_python")
    assert found["devices"] == 3
    assert found["events"].pop("alias") == 2
    assert all(found[part] == ours[part] for part in ("person", "traits", "events"))
    assert found["of other profiles"] == 0


@pytest.mark.parametrize("name", PAGES)
def test_a_page_makes_the_profile_that_our_tracker_makes(collector: Any, name: str) -> None:
    assert profile(collector, name) == profile(collector, "onetrail_js")


@pytest.mark.parametrize(
    ("name", "pages"), [("onetrail_python", {}), ("onetrail_js", {"page-view": 2})]
)
def test_the_profile_is_what_happened(collector: Any, name: str, pages: dict[str, int]) -> None:
    assert profile(collector, name) == {
        "devices": 2,
        "sessions": Counter([6 + bool(pages), 4 + bool(pages)]),
        "person": {("email", "ann.X@shop.test"), ("user_id", "X-17")},
        "traits": {"name": "Ann", "plan": "team"},
        "events": Counter(EVENTS | pages),
        "of other profiles": 0,
    }
