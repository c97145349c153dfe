"""Makes docs/screenshots/*.png: each page at /ui, of a real collector with the day of a small shop.

Run by `make screenshots`; wide pictures are light, narrow ones dark. The day is the same each time.
"""

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).parent / "screenshots"
SIZES = {"wide": (1440, 900, "light"), "narrow": (360, 780, "dark")}
MAX_BYTES = 160_000
PEOPLE = ["Ann Keller", "Ben Okafor", "Chloe Martin", "Dario Rossi", "Emma Novak", "Finn Berg"]
PATHS = ["/", "/shoes", "/shoes/trail-runner", "/jackets", "/basket", "/help/returns"]
AGENTS = {  # of the sources that people use with a browser
    "shop": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "shop-app": "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Mobile Safari/537.36",
}
CAME_FROM = ["https://search.example/", "https://news.example/", None, None]


class Shop:
    """What a small shop's website, app and warehouse send in a day."""

    def __init__(self, url: str, token: str) -> None:
        self._admin = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"})
        self._chance = random.Random(7)  # noqa: S311 - the same day each time
        self._now = datetime.now(UTC)

    def open(self) -> str:
        """Add the sources, live the day; answers a profile ID of its best customer."""
        for source, kind in [("shop", "web"), ("shop-app", "app"), ("warehouse", "server")]:
            added = {
                "id": source,
                "kind": kind,
                "origins": ["https://shop.example"][: kind == "web"],
            }
            self._admin.post("/sources", json=added).raise_for_status()
        for hour in range(23, 0, -1):
            for _ in range(2 + int(6 * max(0, 1 - abs(11 - hour) / 11))):
                self._visit(self._now - timedelta(hours=hour), "shop")
        for place, name in enumerate(PEOPLE):
            self._customer(name, place)
        return self._best_customer()

    def _send(self, source: str, *events: dict[str, Any], session: str, profile: str = "") -> str:
        body: dict[str, Any] = {"source": {"id": source}, "session": {"id": session}}
        body["events"] = [{"id": self._id(), **event} for event in events]
        if profile:
            body["profile"] = {"id": profile}
        agent = {"user-agent": AGENTS.get(source, "warehouse/1.0")}
        answer = self._admin.post("/track", json=body, headers=agent).raise_for_status().json()
        return str(answer["profile"]["id"])

    def _id(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128), version=4))

    def _visit(self, at: datetime, source: str, profile: str = "") -> str:
        seen = [
            {
                "type": "page-view",
                "time": (at + timedelta(seconds=40 * place)).isoformat(),
                "properties": {
                    "url": f"https://shop.example{path}",
                    "referrer": None if place else self._chance.choice(CAME_FROM),
                },
            }
            for place, path in enumerate(self._chance.sample(PATHS, self._chance.randint(1, 5)))
        ]
        order = {"type": "order", "time": at.isoformat(), "properties": {"total": 89.9}}
        bought = [order] if self._chance.random() < 0.15 else []  # noqa: PLR2004 - some buy
        return self._send(source, *seen, *bought, session=self._id(), profile=profile)

    def _known(self, source: str, profile: str, **properties: Any) -> None:
        event = {"type": "identify", "properties": properties}
        self._send(source, event, session=self._id(), profile=profile)

    def _customer(self, name: str, place: int) -> None:
        email = f"{name.split(maxsplit=1)[0].lower()}@acme-shop.ch"
        for source in ("shop", "shop-app")[: 1 + place % 2]:
            device = self._visit(self._now - timedelta(minutes=9 * place + 4), source)
            self._known(source, device, email=email, traits={"name": name})

    def _best_customer(self) -> str:
        traits = {"name": "Mia Lindqvist", "plan": "gold", "city": "Bern"}
        said = [
            {"email": "mia@acme-shop.ch", "user_id": "4711", "traits": traits},
            {"email": "mia@acme-shop.ch", "phone": "+41 44 668 18 00"},
            {"user_id": "4711", "email": "mia.lindqvist@acme-shoes.ch"},
            {"email": "mia@acme-shop.ch", "user_id": "9002", "traits": {"name": "Jon"}},
        ]
        devices = []
        for place, properties in enumerate(said):
            source = ("shop", "shop-app", "shop", "shop")[place]
            at = self._now - timedelta(hours=5 - place)
            device = self._visit(at, source)
            self._known(source, device, **properties)
            devices.append(self._visit(at + timedelta(minutes=9), source, device))
        lost = {"type": "order", "properties": ["89.90"]}
        self._send("warehouse", {"type": "parcel-sent"}, lost, session="w", profile=devices[0])
        junk = {"type": "identify", "properties": {"user_id": "undefined"}}
        self._send("shop-app", junk, session="j")
        return devices[0]


@contextmanager
def collector(db: Path) -> Iterator[tuple[str, str]]:
    """A collector of its own; its URL and its admin token."""
    command = [sys.executable, "-u", "-m", "onetrail_collector", "serve", "--db", str(db)]
    with subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        while not re.search(r"http://127[^:]+:\d+", said) or "admin token: " not in said:
            said += process.stdout.readline() or sys.exit(f"the collector ended: {said}")
        url, token = re.search(r"http://[^:]+:\d+", said), re.search(r"admin token: (\S+)", said)
        assert url is not None
        assert token is not None
        try:
            yield url[0], token[1]
        finally:
            process.terminate()


def sign_in(page: Page, url: str, token: str) -> None:
    """With the admin token."""
    page.goto(f"{url}/ui")
    page.get_by_label("Admin token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/ui")


def take(page: Page, url: str, token: str, size: str, profile_id: str) -> None:
    """A picture of each page, in one size."""
    page.goto(f"{url}/ui/sign-in")
    page.screenshot(path=FOLDER / f"sign-in-{size}.png")
    sign_in(page, url, token)
    shown = {
        "overview": ("/ui", "#pages tbody tr .number"),
        "live": ("/ui/live", "#events .lost"),
        "profiles": ("/ui/profiles", "#search"),
        "profile": (f"/ui/profiles/{profile_id}", ".graph svg"),
        "sources": ("/ui/sources", "#sources .card"),
        "identity": ("/ui/identity", "#policy table"),
    }
    for name, (path, ready) in shown.items():
        page.goto(url + path)
        page.locator(ready).first.wait_for()
        if name == "profile":
            for node in page.locator('.node:not(.other)[data-id*="-"]').all()[:2]:
                node.click()
            page.get_by_text("They are one profile").wait_for()
        if name == "profiles":
            page.get_by_label("A profile ID").press_sequentially("mi")
            page.locator("#found .hit").first.wait_for()
        page.wait_for_timeout(1500)  # what has just arrived is lit up for a moment
        page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)")
        page.screenshot(path=FOLDER / f"{name}-{size}.png")


def main() -> None:
    """All pictures; ends with an error where one is too large to be kept."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, collector(Path(folder) / "shop.db") as (url, token):
        profile_id = Shop(url, token).open()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            for size, (width, height, scheme) in SIZES.items():
                page = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if scheme == "dark" else "light",
                )
                page.goto(url)
                take(page, url, token, size, profile_id)
                page.context.close()
            browser.close()
    for picture in sorted(FOLDER.glob("*.png")):
        if picture.stat().st_size > MAX_BYTES:
            sys.exit(f"{picture} is larger than {MAX_BYTES} bytes")


if __name__ == "__main__":
    main()
