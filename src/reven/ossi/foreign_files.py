# SPDX-License-Identifier: Apache-2.0
"""Files of this machine whose names come from a trace or a binary, and so from a stranger."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["read_foreign_file", "resolved_file"]


def read_foreign_file(path: str | Path, largest: int) -> bytes:
    """The contents of a regular file of at most `largest` bytes.

    No device and no pipe is opened: they would be read without end, or waited for.

    Raises:
        OSError: it is none, is larger, or cannot be read.
    """
    # Without O_NONBLOCK, opening a pipe that was put there meanwhile would wait.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is no regular file")
        data = file.read(largest + 1)
    if len(data) > largest:
        raise OSError(f"{path} is larger than {largest:,} bytes")
    return data


def resolved_file(path: str | Path) -> Path | None:
    """Where a path leads once every link is followed, if that is a regular file."""
    try:
        found = Path(path).resolve(strict=True)
        # Opening a link of /proc leads to what a process has open, whatever its name says.
        if found.is_relative_to("/proc") or not stat.S_ISREG(found.stat().st_mode):
            return None
    except (OSError, ValueError, RuntimeError):
        return None
    return found
