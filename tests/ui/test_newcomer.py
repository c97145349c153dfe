"""What `make run` leads to: a click is seen as it is made, and browser and program become one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect


def test_a_newcomer_sees_their_click_and_becomes_one_profile_with_a_program(
    signed_in: Page, collector: Any, tmp_path: Path
) -> None:
    signed_in.goto(f"{collector.url}/ui/live")
    panel, types = signed_in.locator("#onboarding"), signed_in.locator("#events strong")
    with signed_in.expect_popup() as opened:
        panel.get_by_role("link", name="the demo page").click()
    demo = opened.value
    demo.get_by_role("button", name="Track").click()
    expect(types.filter(has_text="button-click")).to_be_visible()
    expect(panel).to_contain_text("The first event is here.")
    demo.get_by_role("button", name="Identify").click()
    expect(types.filter(has_text="identify")).to_have_count(1)

    lines = panel.locator("pre").last.inner_text()  # as they stand, to be pasted
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", lines], env=environment, check=True, timeout=60)
    expect(types.filter(has_text="identify")).to_have_count(2)

    panel.get_by_role("link", name="See whose it is").click()
    expect(signed_in.get_by_role("heading", level=1)).to_have_text("ann@shop.test")
    expect(signed_in.locator(".figures li").filter(has_text="Devices")).to_contain_text("2")
    for device in signed_in.locator(".node").filter(has_text="device").all():
        device.click()
    expect(signed_in.locator("#said-by-graph")).to_contain_text("both used email ann@shop.test")


def test_a_source_that_has_sent_nothing_is_told_how_and_awaited(
    signed_in: Page, collector: Any
) -> None:
    collector.post({"source": {"id": "demo"}, "session": {"id": "1"}, "events": [{"type": "a"}]})
    collector.run("sources", "add", "shop")
    signed_in.goto(f"{collector.url}/ui/sources")
    card = signed_in.locator("[data-source=shop]")
    card.get_by_role("link", name="send the first one").click()
    panel = signed_in.locator("#onboarding")
    expect(panel).to_contain_text("Waiting for the first event of shop")
    expect(signed_in.locator("#state")).to_have_text("live")
    collector.post({"source": {"id": "shop"}, "session": {"id": "2"}, "events": [{"type": "b"}]})
    expect(panel).to_contain_text("The first event is here.")
    signed_in.get_by_label("Source").select_option("demo")
    expect(panel).to_be_hidden()
    expect(signed_in.locator("#events strong")).to_have_text(["a"])


def test_after_a_pause_live_goes_on_where_it_was(signed_in: Page, collector: Any) -> None:
    signed_in.goto(f"{collector.url}/ui/live")
    send = lambda name: collector.post(  # noqa: E731
        {"source": {"id": "demo"}, "session": {"id": "s"}, "events": [{"type": name}]}
    )
    types = signed_in.locator("#events strong")
    send("before")
    expect(types).to_have_text(["before"])
    signed_in.get_by_role("button", name="Pause").click()
    expect(signed_in.locator("#state")).to_have_text("paused")
    send("meanwhile")
    signed_in.get_by_role("button", name="Resume").click()
    expect(types).to_have_text(["meanwhile", "before"])
