"""What people install: the built wheel, and what importing the SDK costs."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_both_packages_and_their_data(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    assert {
        "onetrail/__init__.py",
        "onetrail/py.typed",
        "onetrail_collector/__main__.py",
        "onetrail_collector/py.typed",
        "onetrail_collector/static/t.js",
        "onetrail_collector/static/t-more.js",
        "onetrail_collector/static/t-vitals.js",
        "onetrail_collector/static/demo.html",
        "onetrail_collector/store/migrations/0001_first.sql",
    } <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "onetrail",
        "onetrail_collector",
    }


def test_the_sdk_needs_httpx_and_platformdirs_alone(wheel: zipfile.ZipFile) -> None:
    [metadata] = [name for name in wheel.namelist() if name.endswith("METADATA")]
    required = Parser().parsestr(wheel.read(metadata).decode()).get_all("Requires-Dist") or []
    plain = {line.split(">")[0].strip() for line in required if "extra ==" not in line}
    assert plain == {"httpx", "platformdirs"}


def test_importing_the_sdk_loads_no_network_library_and_no_collector() -> None:
    code = (
        "import sys; import onetrail; onetrail.Tracker;"
        "print([m for m in ('httpx', 'onetrail_collector', 'starlette', 'sqlite3', 'asyncio')"
        " if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert loaded.strip() in {"[]", "['sqlite3']"}
