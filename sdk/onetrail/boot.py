"""Which boot this is: a monotonic reading means something only within the boot that made it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_LINUX = Path("/proc/sys/kernel/random/boot_id")
_NONE_FOUND = f"process:{os.urandom(16).hex()}"


def boot_id() -> str:
    """An id that changes with every boot.

    Linux and macOS hold one. Elsewhere it is made up once a process, which is always right and only
    means that events of an earlier process keep the wall clock's word for their time.
    """
    for read in (_linux, _macos):
        with contextlib.suppress(OSError, AttributeError, TypeError):
            return read()
    return _NONE_FOUND


def _linux() -> str:
    return _LINUX.read_text("ascii").strip()


def _macos() -> str:
    return _sysctl(b"kern.bootsessionuuid")


def _sysctl(name: bytes) -> str:
    import ctypes  # noqa: PLC0415  only on macOS
    import ctypes.util  # noqa: PLC0415

    size = ctypes.c_size_t(64)
    value = ctypes.create_string_buffer(size.value)
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    if library.sysctlbyname(name, value, ctypes.byref(size), None, 0) != 0:
        raise OSError(f"sysctl {name.decode()} is not there")
    return value.value.decode("ascii")
