"""Fixtures of the collector's tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Limited = Callable[..., Any]


@pytest.fixture
def limited(new_collector: Callable[..., Any], tmp_path: Path) -> Limited:
    """Starts a collector with these limits."""

    def start(*options: str, **limits: object) -> Any:
        lines = [f"{name} = {json.dumps(value)}" for name, value in limits.items()]
        config = tmp_path / "limits.toml"
        config.write_text("\n".join(["[limits]", *lines]))
        return new_collector("--demo", "--config", str(config), *options).start()

    return start
