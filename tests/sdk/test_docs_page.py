"""docs/sdk.md says what the code has: options, settings, modes, commands, an example of a test.

Its programs and commands are run by tests/test_docs.py.
"""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

from onetrail import Settings, Tracker, cli
from onetrail.settings import Durability

PAGE = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text()


def table(heading):
    """The rows of the table under this first heading, as lists of cells without backticks."""
    _, _, after = PAGE.partition(f"\n| {heading} |")
    rows = after.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


def test_every_setting_has_its_unit_and_default():
    rows = table("setting")
    assert {name: ast.literal_eval(default) for name, _, default, _ in rows} == Settings()._asdict()
    units = {"_s": "seconds", "_bytes": "bytes", "_events": "events"}
    for name, unit, _, _ in rows:
        ending = re.search(r"(_s|_bytes|_events)$", name)
        assert unit == (units[ending[1]] if ending else "yes/no"), name


def test_every_option_has_its_default():
    options = inspect.signature(Tracker).parameters.values()
    assert [(name, default) for name, default, _ in table("option of `Tracker`")] == [
        (option.name, "needed" if option.default is option.empty else said(option.default))
        for option in options
    ]


def said(default):
    return f'"{default}"' if isinstance(default, str) else repr(default)


def test_every_durability_mode_is_there():
    assert [ast.literal_eval(row[0]) for row in table("mode")] == list(get_args(Durability))


def test_every_public_call_is_there():
    public = {name for name in vars(Tracker) if not name.startswith("_")}
    named = {name for row in table("call") for name in re.findall(r"[a-z_]+", row[0])}
    assert named >= public


def test_every_command_is_there():
    commands = cli._parser()._subparsers._group_actions[0].choices
    assert [row[0] for row in table("command")] == list(commands)


def test_the_example_of_a_test_passes(tmp_path):
    (example,) = re.findall(r"^```py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    path = tmp_path / "test_example.py"
    path.write_text(example)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", path]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
