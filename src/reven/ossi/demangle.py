# SPDX-License-Identifier: Apache-2.0
"""C++ names as their authors wrote them.

Asks `__cxa_demangle` of the C++ runtime that is installed, so names read exactly as in gdb and
`c++filt`, and keep up with the compiler. A name of 600 characters can stand for gigabytes, so
this happens in a process of its own, within limits (native/demangler). Where that cannot run,
names stay mangled.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import reven

__all__ = ["TOO_LARGE", "demangle", "is_too_large"]

LONGEST_NAME = 16384
_MOST_REFUSED = 4096
TOO_LARGE = "C++ names that would take too long to write out are shown as the linker has them"
"""What is said of a trace in which such a name was met."""


class _Demangler:
    """The process that demangles, started when it is first needed and whenever it ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self.refused: dict[str, None] = {}

    def ask(self, name: str) -> str | None:
        with self._lock:
            process = self._running()
            if process is None:
                return None
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(name.encode() + b"\n")
                process.stdin.flush()
                answer = process.stdout.readline()
            except OSError:
                answer = b""
            if answer.endswith(b"\n"):
                return answer[:-1].decode("utf-8", "replace") or None
            # It ended over this name.
            self._end()
            if len(self.refused) < _MOST_REFUSED:
                self.refused[name] = None
            return None

    def forget_lock(self) -> None:
        """After a fork: a thread that is not here any more may have had it."""
        self._lock = threading.Lock()
        self._process = None

    def _running(self) -> subprocess.Popen[bytes] | None:
        if self._process is None:
            program = Path(reven.__file__).parent / "_native" / "reven-demangler"
            try:
                self._process = subprocess.Popen(
                    [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}
                )
            except OSError:
                return None
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


_DEMANGLER = _Demangler()
os.register_at_fork(after_in_child=_DEMANGLER.forget_lock)


@lru_cache(maxsize=1 << 16)
def demangle(name: str) -> str | None:
    """The C++ declaration behind a linker name.

    `name`: a symbol's name, such as `_ZN3foo3barEi`. Returns e.g. `foo::bar(int)`, or None
    when the name is not a mangled C++ name, or stands for more than can be shown
    (`is_too_large`).
    """
    if not name.startswith("_Z") or not name.isascii() or not name.isprintable():
        return None
    if len(name) > LONGEST_NAME:
        return None
    return _DEMANGLER.ask(name)


def is_too_large(names: Iterable[str]) -> bool:
    """Whether one of the names was given up over; only those that were asked for count."""
    refused = _DEMANGLER.refused
    return bool(refused) and any(name in refused or len(name) > LONGEST_NAME for name in names)
