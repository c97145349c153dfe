"""Fixtures of the SDK's tests: a collector's stand-in on a real socket, and trackers for it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from onetrail import Settings, Tracker

_HERE = Path(__file__).parent


def _load(name):
    """Tests are no package; what they share is loaded by path, once."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, _HERE / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


sink_module = _load("sdk_sink")
_load("sdk_run")


@pytest.fixture
def sink():
    """An HTTP server that keeps what it gets and can be told to misbehave."""
    with sink_module.Sink() as running:
        yield running


@pytest.fixture
def quick():
    """Settings with short waits, so that faults take milliseconds and not minutes."""
    return Settings(
        send_interval_s=0.01, backoff_cap_s=0.05, backoff_base_s=0.02, read_timeout_s=2.0
    )


@pytest.fixture
def new_tracker(sink, quick, tmp_path):
    """Makes trackers on one data folder and closes them at the end."""
    made = []

    def make(**options):
        options = {"source": "demo", "data_dir": tmp_path / "data", "settings": quick} | options
        made.append(Tracker(options.pop("url", sink.url), **options))
        return made[-1]

    yield make
    for tracker in made:
        tracker.close(timeout_s=0)
