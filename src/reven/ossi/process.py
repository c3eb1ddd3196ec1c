# SPDX-License-Identifier: Apache-2.0
"""The recorded process, as its operating system knew it."""

from __future__ import annotations

import os

import msgspec

_COMM_BYTES = 15  # TASK_COMM_LEN of Linux, less the final zero


class Process(msgspec.Struct, frozen=True):
    """A process of a trace."""

    name: str  # the kernel's short name: at most 15 bytes of the program's file name
    pid: int
    ppid: int | None  # None if the recorder did not say

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"


def process_of(program: str, pid: int, ppid: int | None) -> Process:
    """The recorded process, by the path of its program."""
    name = os.fsencode(program.rpartition("/")[2])[:_COMM_BYTES]
    return Process(name.decode("utf-8", "replace"), pid, ppid)
