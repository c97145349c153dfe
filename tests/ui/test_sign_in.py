"""Only who has an admin token sees anything, and no other page acts in their name."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

PAGES = ["/ui", "/ui/live", "/ui/profiles", "/ui/profiles/x", "/ui/sources"]


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_sent_to_sign_in(standing_collector: Any, path: str) -> None:
    answer = httpx.get(standing_collector.url + path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/sign-in")


def test_a_wrong_token_is_said(page: Page, standing_collector: Any) -> None:
    page.goto(f"{standing_collector.url}/ui/sign-in")
    page.get_by_label("Admin token").fill("ot_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This is not an admin token")).to_be_visible()
    assert page.context.cookies() == []


def test_the_cookie_is_for_this_site_and_no_script(signed_in: Page) -> None:
    [cookie] = signed_in.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert signed_in.evaluate("document.cookie") == ""


def test_after_signing_out_the_cookie_opens_nothing(signed_in: Page, collector: Any) -> None:
    [cookie] = signed_in.context.cookies()
    old = {cookie["name"]: cookie["value"]}
    assert httpx.get(f"{collector.url}/counts", cookies=old).status_code == 200
    signed_in.get_by_role("button", name="Sign out").click()
    signed_in.wait_for_url("**/ui/sign-in")
    assert signed_in.context.cookies() == []
    assert httpx.get(f"{collector.url}/counts", cookies=old).status_code == 401


@pytest.mark.parametrize("origin", [{}, {"origin": "https://elsewhere.test"}])
def test_another_site_cannot_sign_somebody_in_or_out(
    signed_in: Page, collector: Any, origin: dict[str, str]
) -> None:
    form = {"token": collector.token}
    answer = httpx.post(f"{collector.url}/ui/sign-in", data=form, headers=origin)
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    [cookie] = signed_in.context.cookies()
    cookies = {cookie["name"]: cookie["value"]}
    httpx.post(f"{collector.url}/ui/sign-out", cookies=cookies, headers=origin)
    assert httpx.get(f"{collector.url}/counts", cookies=cookies).status_code == 200


def test_somebody_stays_signed_in_over_a_restart(signed_in: Page, collector: Any) -> None:
    collector.stop()
    collector.start()
    signed_in.reload()
    expect(signed_in.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_pages_allow_no_foreign_and_no_inline_script(standing_collector: Any) -> None:
    policy = httpx.get(f"{standing_collector.url}/ui/sign-in").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
