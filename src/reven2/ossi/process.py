# SPDX-License-Identifier: Apache-2.0
"""Processes."""

from __future__ import annotations

from dataclasses import dataclass

from reven2._printable import printable

__all__ = ["Process"]


@dataclass(frozen=True)
class Process:
    """A process of the recorded machine. `str`: `chat_client (2816)`.

    Attributes:
        name: as the kernel has it: at most 15 characters.
        pid: its number.
        ppid: its parent's, None if unknown (an addition to the documented interface).
    """

    name: str
    pid: int
    ppid: int | None = None

    def __str__(self) -> str:
        return printable(f"{self.name} ({self.pid})")
