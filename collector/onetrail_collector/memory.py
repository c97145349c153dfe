"""How much memory the collector may have: the machine's, or what its control groups leave of it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

UNKNOWN_BYTES = 1 << 30  # where the system does not say
GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def allowed_bytes(groups: Path = GROUPS, own_groups: Path = OWN_GROUPS) -> int:
    """Of physical memory, and of the limits of its group and of those above, the least.

    As systemd's MemoryMax and containers set them, in either version of control groups
    (https://docs.kernel.org/admin-guide/cgroup-v2.html).
    """
    return min([_physical_bytes(), *_limits(groups, own_groups)])


def _physical_bytes() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return UNKNOWN_BYTES


def _limits(groups: Path, own_groups: Path) -> Iterator[int]:
    try:
        lines = own_groups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _least(groups, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _least(groups / "memory", path, "memory.limit_in_bytes")


def _least(root: Path, path: str, name: str) -> Iterator[int]:
    """The limits of a group and of those above it; "max" is none."""
    group = root / path.lstrip("/")
    for folder in (group, *group.parents):
        with suppress(OSError):
            limit = (folder / name).read_text().strip()
            if limit.isdecimal():
                yield int(limit)
