"""The memory that the collector may have is the least that anybody grants it."""

from pathlib import Path

import pytest

from onetrail_collector.memory import allowed_bytes


def groups(folder: Path, name: str = "memory.max", **limits: str) -> Path:
    """Control groups inside each other, a__b__c, with their limits in files of this name."""
    for path, limit in limits.items():
        group = folder.joinpath(*path.split("__"))
        group.mkdir(parents=True, exist_ok=True)
        (group / name).write_text(f"{limit}\n")
    return folder


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("0::/system/onetrail", 1_000_000),
        ("12:cpu:/x\n0::/system/onetrail/inner", 1_000_000),
        ("0::/system/other", 3_000_000),
        ("0::/system/not-there", 3_000_000),
        ("4:cpu,memory:/old/onetrail\n0::/", 500_000),
        ("4:memory:/not-there\n3:cpu:/old", 700_000),
    ],
)
def test_the_least_of_all_groups_holds(tmp_path: Path, own: str, expected: int) -> None:
    (tmp_path / "own").write_text(own + "\n")
    tree = groups(
        tmp_path / "tree",
        system="3000000",
        system__onetrail="1000000",
        system__onetrail__inner="2000000",
        system__other="max",
    )
    groups(tree, name="memory.limit_in_bytes", memory="700000", memory__old__onetrail="500000")
    assert allowed_bytes(tree, tmp_path / "own") == expected


def test_without_groups_it_is_the_machines(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("0::/\n")
    whole = allowed_bytes(tmp_path, tmp_path / "nothing")
    assert whole == allowed_bytes(tmp_path, tmp_path / "own") > 1 << 26
