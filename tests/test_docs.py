"""Every command in README and docs runs, on a real collector; every link leads somewhere."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import wait_until

from onetrail_collector.policy_in_force import fingerprint
from onetrail_collector.settings import load

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
CONFIGURED = re.compile(r"^```toml\n([^`]*)```\n\n\Z", re.MULTILINE)  # right above commands
NOT_HERE = re.compile(r"^(pip install|onetrail-collector serve)\b")  # what the tests' set-up did


def blocks(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{page.name}:{page.read_text()[: match.start()].count(chr(10)) + 1}")
        for page in PAGES
        for match in FENCE.finditer(page.read_text())
        if match[1] == language
        for text in [match[2]]
    ]


@pytest.fixture
def run(collector: Any, tmp_path: Path) -> Callable[..., str]:
    """Runs a program as the docs have it, but on this test's collector and with an empty HOME."""
    answer = collector.post({"source": {"id": "demo"}, "events": [{"type": "a"}]}).json()
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "onetrail.db").symlink_to(collector.db)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "ADMIN_TOKEN": collector.token,
        "PROFILE_ID": answer["profile"]["id"],
    }

    def run_program(*command: str) -> str:
        words = [word.replace("http://127.0.0.1:8000", collector.url) for word in command]
        done = subprocess.run(
            words,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_program


def configuration_above(text: str) -> str | None:
    """What the page has the reader write to onetrail.toml right before these commands."""
    pages = [page.read_text() for page in PAGES]
    above = [page.partition(f"```sh\n{text}```")[0] for page in pages if text in page]
    found = [match[1] for match in map(CONFIGURED.search, above) if match]
    return found[0] if found else None


@pytest.mark.parametrize("text", blocks("sh"))
def test_shell_commands(
    run: Callable[..., str],
    collector: Any,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configuration = configuration_above(text)
    if configuration is not None:
        config = tmp_path / "onetrail.toml"
        config.write_text(configuration)
        monkeypatch.setenv("ONETRAIL_CONFIG", str(config))
        collector.stop()
        collector.start()
        own = fingerprint(load(config).settings.policy)
        state = "SELECT value FROM identity_state WHERE name = 'policy'"
        wait_until(lambda: collector.rows(state) == [(own,)], "the policy to be applied")
    commands = [line for line in text.splitlines() if line and not NOT_HERE.match(line)]
    said = run("bash", "-euc", "\n".join(commands))
    assert '{"error"' not in said


@pytest.mark.parametrize("text", blocks("python"))
def test_python_programs(run: Callable[..., str], collector: Any, text: str) -> None:
    before = collector.get("/counts")["events"]
    run(sys.executable, "-W", "error", "-c", text)
    assert collector.get("/counts")["events"] > before


@pytest.mark.parametrize("text", blocks("toml"))
def test_configurations(tmp_path: Path, text: str) -> None:
    assert tomllib.loads(text)
    path = tmp_path / "onetrail.toml"
    path.write_text(text)
    assert load(path).settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md", "docs/privacy.md"])
def test_every_promise_links_its_test(name: str) -> None:
    page = ROOT / name
    [table] = re.findall(
        r"^\| promise \| test \|\n\|---\|---\|\n((?:\|.*\n)+)", page.read_text(), re.MULTILINE
    )
    for row in table.splitlines():
        promise, tests = row.strip("|").split(" | ")
        links = re.findall(r"\[([^]]+)\]\(([^)]+)\)", tests)
        assert links, promise
        for said, target in links:
            path = (page.parent / target).resolve()
            files = [path] if path.is_file() else list(path.glob("test_*.py"))
            assert path.is_relative_to(ROOT / "tests"), promise
            assert path.name == said.rsplit("/", 1)[-1], promise
            assert any("\ndef test_" in file.read_text() for file in files), promise


def test_make_run_starts_and_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    """The README's first command, as far as it goes on a machine where `make test` runs."""
    db = tmp_path / "onetrail.db"
    said = ""
    with subprocess.Popen(
        ["make", "--no-print-directory", "run", "PORT=0", f"DB={db}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                os.killpg(process.pid, signal.SIGINT)
    assert process.returncode in {0, -signal.SIGINT}, said  # make ends as its child was told to
    assert re.search(r"http://127.0.0.1:\d+/demo", said)
    assert said.endswith("stopped; everything accepted is stored\n")
