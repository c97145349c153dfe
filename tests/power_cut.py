"""A power cut, made afterwards: what a program did to its files is recorded, and the disk rebuilt.

strace notes each write, sync, creation, renaming and removal in a folder, and what the program said
meanwhile. A disk holds all that was synced before the cut. Of what came later any part may have
reached it, in any order, each write torn at sectors; a new name is there for sure only once the
folder itself was synced. SQLite's `-shm` is memory, and gone.
"""

import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SECTOR = 512
CALLS = (
    "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,"
    "unlinkat,sendto,sendmsg,writev"
)
_BEGUN = re.compile(r"(\d+) +(\w+)\((.*?)(?: <unfinished \.\.\.>|\) += (-?\d+).*)", re.DOTALL)
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>.*= (-?\d+)[^=]*")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OPEN_FILE = re.compile(r"\d+<((?:\\x[0-9a-f]{2})+)>")


class Call(NamedTuple):
    """One system call, from the line in which it begins to that in which it has ended."""

    name: str
    path: str
    """Of the open file, or the first name given."""
    texts: list[bytes]
    arguments: str
    begin: int
    end: int


class File:
    """One file: what is surely on disk, and the calls that may or may not have reached it."""

    def __init__(self) -> None:
        self.synced = bytearray()
        self.size = 0
        self.pending: list[tuple[int, int, bytes | None]] = []
        """Where each call ended, the offset, and what was written; None cuts the file there."""

    def change(self, end: int, offset: int, data: bytes | None) -> None:
        self.pending.append((end, offset, data))
        self.size = offset if data is None else max(self.size, offset + len(data))

    def sync(self, before: int) -> None:
        for end, offset, data in self.pending:
            if end < before:
                _apply(self.synced, offset, data)
        self.pending = [change for change in self.pending if change[0] >= before]

    def after_cut(self, chance: random.Random, share: float) -> bytes:
        """What may be found; `share` of the sectors since the last sync has reached the disk."""
        found = bytearray(self.synced)
        for _, offset, data in self.pending:
            if data is None:
                if chance.random() < share:
                    _apply(found, offset, None)
                continue
            at = 0
            while at < len(data):
                piece = data[at : at + SECTOR - (offset + at) % SECTOR]
                if chance.random() < share:
                    _apply(found, offset + at, piece)
                at += len(piece)
        return bytes(found)


class Cut(NamedTuple):
    """One moment at which the power may have gone."""

    said: bytes
    """All that the program had said by then, on its stdout or to a socket."""
    files: dict[str, bytes]
    """What the folder then holds."""

    def restore(self, folder: Path) -> Path:
        """Makes the folder anew, as it is found afterwards."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder


class Recorder:
    """Records what a program does in one folder, which does not exist yet or is empty."""

    def __init__(self, folder: Path, trace: Path) -> None:
        self.folder = folder
        self.trace = trace
        options = "strace -D -f -y -q --seccomp-bpf -xx -s 10000000 -e signal=KILL -e"
        self.command = [*options.split(), f"trace={CALLS}", "-o", str(trace)]
        """To be put before the program's own; the process that is started is the program's."""

    def cuts(self, seed: int, moments: int) -> Iterator[Cut]:
        """So many moments, spread evenly; at each all of the unsynced is lost, or some, or none."""
        calls = list(self._calls())
        chance = random.Random(seed)  # noqa: S311 - the same cuts each time
        disk = _Disk(self.folder)
        every = max(1, len(calls) // moments)
        for number, call in enumerate(calls, 1):
            disk.take(call)
            if number % every == 0 or number == len(calls):
                for share in (0.0, chance.random(), 1.0):
                    yield disk.cut(chance, share)

    def _calls(self) -> Iterator[Call]:
        """In the order in which they began; those that failed are left out."""
        lines = self._lines()
        ends: dict[int, tuple[int, int]] = {}
        open_calls: dict[str, int] = {}
        for number, line in enumerate(lines):
            if resumed := _RESUMED.fullmatch(line):
                ends[open_calls.pop(resumed[1])] = (number, int(resumed[2]))
            elif (begun := _BEGUN.fullmatch(line)) and begun[4] is None:
                open_calls[begun[1]] = number
        for number, line in enumerate(lines):
            if begun := _BEGUN.fullmatch(line):
                end, result = (number, int(begun[4])) if begun[4] else ends.get(number, (10**9, 0))
                if result >= 0:
                    texts = [_plain(text) for text in _TEXT.findall(begun[3])]
                    opened = _OPEN_FILE.match(begun[3])
                    path = os.fsdecode(_plain(opened[1]) if opened else texts[0] if texts else b"")
                    yield Call(begun[2], path, texts, begun[3], number, end)

    def _lines(self) -> list[str]:
        """The whole trace: strace writes on for a moment when the program has ended."""
        end = time.monotonic() + 20
        while True:
            text = self.trace.read_text()
            if re.search(rf"^{text.partition(' ')[0]} +\+\+\+ .* \+\+\+$", text, re.MULTILINE):
                return text.splitlines()
            assert time.monotonic() < end, "the program goes on"
            time.sleep(0.02)


class _Disk:
    """The folder as the calls change it."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._names: dict[str, File] = {}
        self._versions: list[tuple[int, dict[str, File]]] = [(0, {})]
        """Of the folder's names, those since it was last synced; with when each change ended."""
        self._said = b""
        self._syncing: list[Call] = []

    def _settle(self, now: int) -> None:
        """What had been written when a sync began is on the disk when it has ended."""
        for call in self._syncing:
            if call.end < now:
                self._sync(call)
        self._syncing = [call for call in self._syncing if call.end >= now]

    def _sync(self, call: Call) -> None:
        if call.path == self._folder:
            done = [version for version in self._versions if version[0] < call.begin]
            self._versions = self._versions[max(0, len(done) - 1) :]
        elif file := self._names.get(Path(call.path).name):
            file.sync(call.begin)

    def take(self, call: Call) -> None:
        """The next call has begun."""
        self._settle(call.begin)
        folder, name = os.path.split(call.path)
        if call.name in {"fsync", "fdatasync"}:
            self._syncing.append(call)
        elif call.name == "openat":
            if folder == self._folder and "O_CREAT" in call.arguments and name not in self._names:
                self._rename(call, {**self._names, name: File()})
        elif folder == self._folder and name in self._names:
            self._change(call, name)
        elif call.name.startswith(("write", "send")):
            self._said += b"".join(call.texts)

    def _change(self, call: Call, name: str) -> None:
        numbers = [int(number) for number in re.findall(r", (\d+)(?=,|$)", call.arguments)]
        match call.name:
            case "write":
                file = self._names[name]
                file.change(call.end, file.size, call.texts[0])
            case "pwrite64":
                self._names[name].change(call.end, numbers[-1], call.texts[0])
            case "ftruncate":
                self._names[name].change(call.end, numbers[-1], None)
            case "unlink" | "unlinkat":
                self._rename(call, {n: file for n, file in self._names.items() if n != name})
            case _:  # a renaming, or a second name
                new = Path(os.fsdecode(call.texts[-1])).name
                names = {**self._names, new: self._names[name]}
                if call.name.startswith("rename"):
                    del names[name]
                self._rename(call, names)

    def _rename(self, call: Call, names: dict[str, File]) -> None:
        self._names = names
        self._versions.append((call.end, names))

    def cut(self, chance: random.Random, share: float) -> Cut:
        _, names = self._versions[round(share * (len(self._versions) - 1))]
        files = {
            name: file.after_cut(chance, share)
            for name, file in names.items()
            if not name.endswith("-shm")
        }
        return Cut(self._said, files)


def recorder(folder: Path, trace: Path) -> Recorder:
    """Skips the test where programs may not be watched."""
    if shutil.which("strace") is None:
        pytest.skip("a power cut is made of what strace records: apt-get install strace")
    made = Recorder(folder, trace)
    watched = subprocess.run([*made.command, "true"], capture_output=True, check=False)
    if watched.returncode or not trace.exists():
        pytest.skip(f"no right to watch a program here (ptrace): {watched.stderr.decode()}")
    return made


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data
