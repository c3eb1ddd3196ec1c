# SPDX-License-Identifier: Apache-2.0
"""System calls in words, as the end of a value's origin."""

from __future__ import annotations

import os

from reven import _engine
from reven.ossi import syscall_name

__all__ = ["describe_call"]

_OF_DESCRIPTORS = {
    "read",
    "pread64",
    "readv",
    "preadv",
    "preadv2",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "getdents64",
    "fstat",
    "ioctl",
}
_OPENING = {"open": 0, "creat": 0, "openat": 1}
_CALLS = 1 << 20
_LONGEST_PATH = 4096


def describe_call(trace: _engine.Trace, transition: int) -> str:
    """Such as `read of "data.bin"`; "" if there is no system call there."""
    call = trace.syscall_of(transition)
    if call is None:
        return ""
    name = syscall_name(call.number) or f"system call {call.number}"
    if name not in _OF_DESCRIPTORS:
        return name
    descriptor = call.arguments[0]
    if descriptor == 0:
        return f"{name} of standard input"
    path = _path_of(trace, descriptor, call.transition)
    return f'{name} of "{path}"' if path else f"{name} of descriptor {descriptor}"


def _path_of(trace: _engine.Trace, descriptor: int, transition: int) -> str:
    """The name that a descriptor was opened by, "" if that is not known."""
    for call in reversed(trace.syscalls(0, transition, _CALLS)):
        if call.result != descriptor:
            continue
        name = syscall_name(call.number)
        if name in _OPENING:
            data, known = trace.read_known_memory(
                call.transition, call.arguments[_OPENING[name]], _LONGEST_PATH
            )
            end = data.find(0)
            if end > 0 and all(known[:end]):
                return os.fsdecode(data[:end])
            return ""
        if name in ("socket", "accept", "accept4", "dup", "dup2", "dup3", "pipe", "pipe2", "fcntl"):
            return ""
    return ""
