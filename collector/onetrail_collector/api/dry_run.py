"""A dry run of the identity policy that the configuration has now: what the next start would do."""

import msgspec

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.profile_views import optional_time
from onetrail_collector.dry_run import DryRun, Run, State


class DryRunView(msgspec.Struct):
    """The last dry run; `said` is what it found, or why it failed, line by line."""

    state: State
    began: str | None
    ended: str | None
    said: tuple[str, ...]


async def last_dry_run(call: Call[Nothing, Nothing]) -> DryRunView:
    """How the last dry run of the identity policy has ended, or that it is running."""
    return _view(_dry_run(call).last)


async def start_dry_run(call: Call[Nothing, Nothing]) -> DryRunView:
    """Work out on a copy what the policy in the configuration file would change; one at a time."""
    return _view(_dry_run(call).start())


OPERATIONS = (
    Operation("GET", "/identity/dry-run", last_dry_run, "read", DryRunView),
    Operation("POST", "/identity/dry-run", start_dry_run, "write", DryRunView),
)


def _dry_run(call: Call[Nothing, Nothing]) -> DryRun:
    dry_run: DryRun = call.request.state.dry_run
    return dry_run


def _view(run: Run) -> DryRunView:
    return DryRunView(run.state, optional_time(run.began_ms), optional_time(run.ended_ms), run.said)
