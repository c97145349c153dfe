"""How the collector is doing, for the page where people look; machines ask /readyz and /metrics."""

import shutil
from pathlib import Path

import msgspec

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.clock import to_rfc3339


class StatusView(msgspec.Struct):
    """`not_ready` says why nothing can be stored now; null where it can. Sizes in bytes.

    `last_commit` is when the newest stored event was received; null before the first.
    """

    not_ready: str | None
    queue_requests: int
    queue_bytes: int
    database_bytes: int
    database_wal_bytes: int
    disk_free_bytes: int
    last_commit: str | None


async def status(call: Call[Nothing, Nothing]) -> StatusView:
    """Whether it can commit, what waits, how large the database is, and the last commit."""
    db = call.settings.db
    newest = await call.store.newest_events(None, limit=1)
    requests, waiting_bytes = call.ingest.waiting
    return StatusView(
        not_ready=await call.request.state.readiness.reason(),
        queue_requests=requests,
        queue_bytes=waiting_bytes,
        database_bytes=_size(db),
        database_wal_bytes=_size(db.with_name(f"{db.name}-wal")),
        disk_free_bytes=shutil.disk_usage(db.absolute().parent).free,
        last_commit=to_rfc3339(newest[0].received_ms) if newest else None,
    )


OPERATIONS = (Operation("GET", "/status", status, "read", StatusView),)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
