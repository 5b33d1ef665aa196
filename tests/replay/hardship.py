"""What a machine can do to a run: a full disk, a folder that may not be written, a clock that goes wrong."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

CAPSET, VERSION_3 = {"x86_64": 126, "aarch64": 91}, 0x20080522
OVERRIDE, READ_SEARCH = 1, 2
"""Linux's capabilities that let root write and read whatever the permissions say."""


class Small:
    """A disk of its own at a folder, as large as is wanted; its content goes with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def used(self) -> int:
        """Return how many kilobytes are taken."""
        told = os.statvfs(self.folder)
        return (told.f_blocks - told.f_bfree) * told.f_frsize // 1024

    def resize(self, kilobytes: int) -> None:
        """Make the disk larger or smaller."""
        _called("mount", "-o", f"remount,size={kilobytes}k", str(self.folder))


def _called(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Small | None]:
    """Put a small disk in the folder's place, with its content; None where this machine does not let us."""
    kept = folder.with_name(folder.name + ".kept")
    try:
        shutil.copytree(folder, kept)
        _called("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(kept, ignore_errors=True)
        yield None
        return
    try:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        yield Small(folder)
    finally:
        _called("umount", str(folder))
        shutil.rmtree(kept)


def let_no_file_grow(most: int) -> None:
    """Let no file of this process become larger: a write beyond it fails, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def heed_permissions() -> None:
    """Make root heed the permissions of files, as everybody else does."""
    if os.geteuid() != 0:
        return
    mask = 0xFFFFFFFF & ~(1 << OVERRIDE | 1 << READ_SEARCH)
    header = (ctypes.c_uint32 * 2)(VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(mask, mask, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    now = (ctypes.c_uint32 * 6)()
    number = CAPSET[os.uname().machine]
    libc.syscall(number - 1, header, now)
    for at in range(6):
        sets[at] &= now[at]
    if libc.syscall(number, header, sets) != 0:
        raise OSError(ctypes.get_errno(), "root cannot be made to heed permissions here")


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take the permission to write from a folder and all in it."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def turn_clock(by: timedelta) -> None:
    """Let every module of turnout see another time."""

    class Kind(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class Turned(datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return (datetime.now(UTC) + by).astimezone(tz)

    for name, module in list(sys.modules.items()):
        if name.startswith("pipelines") and vars(module).get("datetime") is datetime:
            module.__dict__["datetime"] = Turned
