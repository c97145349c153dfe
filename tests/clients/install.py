"""Other people's clients at pinned versions, in a folder of their own beside this file."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
INSTALLED = HERE / ".installed"
PYTHON = INSTALLED / "python" / "bin" / "python"
MODULES = INSTALLED / "js" / "node_modules"


def install() -> None:
    """Install what is not there yet; a changed pin is installed anew."""
    _once("python", [HERE / "requirements.txt"], _install_python)
    _once("js", [HERE / "package.json"], _install_js)


def _once(name: str, pins: list[Path], make: Callable[[Path], None]) -> None:
    folder = INSTALLED / name
    wanted = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()
    mark = folder / ".pins"
    if mark.exists() and mark.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    mark.write_text(wanted)


def _install_python(folder: Path) -> None:
    _run(sys.executable, "-m", "venv", folder)
    pip = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run(*pip, "-r", HERE / "requirements.txt")


def _install_js(folder: Path) -> None:
    shutil.copy(HERE / "package.json", folder)
    quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    _run("npm", "install", *quiet, "--prefix", folder)


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, timeout=300)
