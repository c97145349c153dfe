"""The identity page says which policy is in force, and which blocked values were sent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

POLICY = """
[identity]
phone_region = "CH"

[identity.kinds.crm]
exclusive = true
priority = 7
max_profile_ids = 3

[[identity.points]]
event_type = "order"
property = "customer.number"
kind = "crm"
"""


@pytest.fixture
def collector(new_collector: Callable[..., Any], tmp_path: Path) -> Any:
    """A collector with a policy of its own."""
    config = tmp_path / "onetrail.toml"
    config.write_text(POLICY)
    return new_collector("--demo", "--config", str(config)).start()


def test_the_policy_in_force_and_the_blocked_values_are_shown(
    signed_in: Page, collector: Any
) -> None:
    event = {"type": "identify", "properties": {"user_id": "undefined"}}
    collector.post({"source": {"id": "demo"}, "session": {"id": "s"}, "events": [event]})
    signed_in.goto(f"{collector.url}/ui/identity")
    policy = signed_in.locator("#policy")
    expect(policy.locator("tr", has_text="crm").first).to_have_text(
        "".join(["crm", "text", "one at most", "3 devices", "7", f"{blocked(collector)} entries"])
    )
    expect(policy).to_contain_text("customer.number")
    expect(policy).to_contain_text("as of CH")
    [(kind, entry, count)] = collector.rows("SELECT kind, entry, count FROM blocked_values")
    row = signed_in.locator("#blocked tbody tr")
    expect(row).to_contain_text(f"{kind}{entry}{count}")


def blocked(collector: Any) -> int:
    [count] = [
        kind["blocked"]
        for kind in collector.get("/identity/policy")["kinds"]
        if kind["name"] == "crm"
    ]
    assert count > 0
    return int(count)


def test_a_dry_run_says_what_the_policy_in_the_file_would_change(
    signed_in: Page, collector: Any, tmp_path: Path
) -> None:
    for number in range(3):
        event = {"type": "identify", "properties": {"user_id": "17"}}
        body = {"source": {"id": "demo"}, "session": {"id": f"s{number}"}, "events": [event]}
        assert collector.post(body).status_code == 200
    signed_in.goto(f"{collector.url}/ui/identity")
    run, said = signed_in.get_by_role("button", name="Dry run"), signed_in.locator("#dry-run-said")
    run.click()
    expect(said).to_contain_text("nothing to change", timeout=20_000)
    (tmp_path / "onetrail.toml").write_text("[identity.kinds.user_id]\nmax_profile_ids = 2\n")
    run.click()
    expect(said).to_contain_text("2 profiles would be split", timeout=20_000)
    [profiles] = collector.rows("SELECT count(DISTINCT profile) FROM profile_ids")
    assert profiles == (1,)  # nobody was changed
    (tmp_path / "onetrail.toml").write_text("[identity]\nnonsense = 1\n")
    run.click()
    expect(said.locator(".bad")).to_contain_text("nonsense", timeout=20_000)
    assert list(collector.db.parent.glob("onetrail-dry-run-*")) == []
