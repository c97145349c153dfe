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
    expect(policy).to_contain_text("onetrail-collector identity rebuild --dry-run")
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
