# SPDX-License-Identifier: Apache-2.0
"""What a Python program tells the recorder that it runs under; without one, nothing happens.

    from reven import marker

    marker.mark("loaded")    # name this moment: it becomes a bookmark of the trace
    marker.stop()            # let the record pause
    marker.start()           # record from here on: after stop(), or with --wait

It is what `reven.h` is for C. Only the standard library is loaded.
"""

from __future__ import annotations

import ctypes
import mmap
import platform
from collections.abc import Callable

__all__ = ["mark", "start", "stop"]

_START, _STOP, _MARK = 1, 2, 3
_BASE = 0x52560000

# mov rax, rdi; xor edx, edx; the sequence of reven.h; ret
_CODE = bytes.fromhex("4889f831d248c1c70348c1c70d48c1c73d48c1c7334887dbc3")


def start() -> None:
    """Record from here on, after `stop()` or with `reven record --wait`."""
    _request(_START)


def stop() -> None:
    """Let the record pause."""
    _request(_STOP)


def mark(text: str) -> None:
    """Name this moment.

    Parameters:
        text: at most 1000 bytes of it are kept.
    """
    kept = ctypes.create_string_buffer(text.encode())
    _request(_MARK, ctypes.addressof(kept))


def _request(number: int, argument: int = 0) -> None:
    if _call is not None:
        arguments = (ctypes.c_uint64 * 6)(_BASE + number, argument)
        _call(ctypes.addressof(arguments))


def _make_call() -> Callable[[int], object] | None:
    if platform.machine() != "x86_64":
        return None
    try:
        _pages.append(
            mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        )
    except OSError:  # a system that forbids such memory has no recorder either
        return None
    _pages[0].write(_CODE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(_pages[0]))
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)


_pages: list[mmap.mmap] = []
_call = _make_call()
