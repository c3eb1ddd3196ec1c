# SPDX-License-Identifier: Apache-2.0
"""gdb's own numbers of signals, which are not Linux's (include/gdb/signals.def of gdb)."""

from __future__ import annotations

__all__ = ["from_gdb", "to_gdb"]

_OURS = (7, 10, 12, 17, 18, 19, 20, 23, 29, 30, 31, 32, 64)
_THEIRS = (10, 30, 31, 20, 19, 17, 18, 16, 23, 32, 12, 77, 78)
_DIFFERENT = dict(zip(_OURS, _THEIRS, strict=True))
_SAME = {1, 2, 3, 4, 5, 6, 8, 9, 11, 13, 14, 15, 21, 22, 24, 25, 26, 27, 28}
_FIRST_REAL_TIME = 33  # of Linux, which is gdb's 45
_UNKNOWN = 143

_TO_GDB = {
    **{number: number for number in _SAME},
    **{number: 45 + number - _FIRST_REAL_TIME for number in range(33, 64)},
    **_DIFFERENT,
}
_FROM_GDB = {theirs: ours for ours, theirs in _TO_GDB.items()}


def to_gdb(signal: int) -> int:
    """gdb's number of one of Linux's signals.

    >>> to_gdb(11), to_gdb(10), to_gdb(34)
    (11, 30, 46)
    """
    return _TO_GDB.get(signal, _UNKNOWN)


def from_gdb(number: int) -> int | None:
    """Linux's number of one of gdb's signals; None for one that Linux does not have."""
    return _FROM_GDB.get(number)
