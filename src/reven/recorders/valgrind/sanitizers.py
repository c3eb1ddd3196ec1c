# SPDX-License-Identifier: Apache-2.0
"""Programs that a compiler has built with a checker which does not run under Valgrind."""

from __future__ import annotations

from collections.abc import Mapping
from mmap import ACCESS_READ, mmap
from pathlib import Path

_LEAKS = (
    "looks for leaks when it ends, which needs ptrace and would wait for ever while it is "
    "recorded; run it with ASAN_OPTIONS=detect_leaks=0"
)
_MARKS = {
    b"\0__tsan_init\0": "is built with ThreadSanitizer, which wants the memory that the recorder "
    "has; build it without -fsanitize=thread",
    b"\0__msan_init\0": "is built with MemorySanitizer, which wants the memory that the recorder "
    "has; build it without -fsanitize=memory",
    b"\0__hwasan_init\0": "is built with HWAddressSanitizer, which does not run while it is "
    "recorded; build it without -fsanitize=hwaddress",
    b"\0__asan_init\0": _LEAKS,
    b"\0__lsan_init\0": _LEAKS,
    b"\0liblsan.so": _LEAKS,
}


def sanitizer_complaint(program: Path, environment: Mapping[str, str]) -> str:
    """Why a program cannot be recorded because of what it was built with, and what to do;
    "" if it can. A program that only was built with AddressSanitizer runs, but for its
    search for leaks."""
    with program.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as code:
        for mark, complaint in _MARKS.items():
            if complaint is _LEAKS and _leaks_are_off(environment):
                continue
            if code.find(mark) >= 0:
                return complaint
    return ""


def _leaks_are_off(environment: Mapping[str, str]) -> bool:
    options = (environment.get(name, "") for name in ("ASAN_OPTIONS", "LSAN_OPTIONS"))
    return any(
        option.strip() in ("detect_leaks=0", "detect_leaks=false")
        for text in options
        for option in text.replace(" ", ":").split(":")
    )
