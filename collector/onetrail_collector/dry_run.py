"""What a changed identity policy would do, worked out by a process of its own.

It copies the database and resolves the copy, as `identity rebuild --dry-run` does, because it is
that: so the collector goes on at its full speed, and what it says is what the command says.
"""

import asyncio
import contextlib
import shutil
import signal
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from onetrail_collector.clock import Clock

ROOM = 2.0  # times the database's size must be free: the copy must not fill ingest's disk

State = Literal["none", "running", "done", "failed"]


class Run(NamedTuple):
    """The last dry run, and what it said, line by line."""

    state: State = "none"
    began_ms: int | None = None
    ended_ms: int | None = None
    said: tuple[str, ...] = ()


class DryRun:
    """One at a time. Used within one event loop; close it."""

    def __init__(self, db: Path, config: Path | None, clock: Clock) -> None:
        self._command = [sys.executable, "-m", "onetrail_collector", "identity", "rebuild"]
        self._command += ["--dry-run", "--db", str(db)]
        self._command += ["--config", str(config)] if config else []
        self._db = db
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self.last = Run()

    def start(self) -> Run:
        """Begin one, unless one is running."""
        if self.last.state != "running":
            self.last = Run("running", self._clock())
            self._task = asyncio.create_task(self._run(), name="onetrail-dry-run")
        return self.last

    async def close(self) -> None:
        """End the one that is running; its copy of the database goes with it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            state, said = await self._said()
        except OSError as error:
            state, said = "failed", [f"the dry run could not begin: {error}"]
        self.last = Run(state, self.last.began_ms, self._clock(), tuple(said))

    async def _said(self) -> tuple[State, list[str]]:
        needed = int(ROOM * self._db.stat().st_size)
        free = shutil.disk_usage(self._db.absolute().parent).free
        if free < needed:
            return "failed", [f"the copy needs {needed:,} bytes free beside the database: {free:,}"]
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)  # it removes its copy
            await process.wait()
            raise
        lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
        said = [line for line in lines if line and line != "resolving"]
        return "failed" if process.returncode else "done", said
