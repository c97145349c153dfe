"""Other people's clients at pinned versions, in a folder of their own beside this file."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
INSTALLED = HERE / ".installed"
PACKAGES = INSTALLED / "python"
MODULES = INSTALLED / "js" / "node_modules"


def install() -> None:
    """Install what is not there yet, both at once; a changed pin is installed anew."""
    with ThreadPoolExecutor() as pool:
        parts = [
            pool.submit(_once, "python", HERE / "requirements.txt", _install_python),
            pool.submit(_once, "js", HERE / "package.json", _install_js),
        ]
        for part in parts:
            part.result()


def _once(name: str, pins: Path, make: Callable[[Path], None]) -> None:
    folder = INSTALLED / name
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    mark = folder / ".pins"
    if mark.exists() and mark.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    mark.write_text(wanted)


def _install_python(folder: Path) -> None:
    """For PYTHONPATH: an environment of their own would take longer to make than they do."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run(*pip, "--no-compile", "--target", folder, "-r", HERE / "requirements.txt")


def _install_js(folder: Path) -> None:
    shutil.copy(HERE / "package.json", folder)
    quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    _run("npm", "install", *quiet, "--prefix", folder)


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, timeout=300)
