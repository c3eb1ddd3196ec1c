# SPDX-License-Identifier: Apache-2.0
"""What a signal's si_code means (sigaction(2), include/uapi/asm-generic/siginfo.h)."""

from __future__ import annotations

import signal

_SENT = {0: "sent by kill", -1: "sent by sigqueue", -2: "sent by a timer", -6: "sent by tgkill"}
_KERNEL = 128
_MEANINGS: dict[tuple[int, int], str] = {
    (signal.SIGSEGV, 1): "nothing is mapped at that address",
    (signal.SIGSEGV, 2): "the mapping at that address does not allow it",
    (signal.SIGSEGV, 3): "the address is out of the bounds that were set",
    (signal.SIGSEGV, 4): "a protection key does not allow it",
    (signal.SIGSEGV, _KERNEL): "the address is not canonical: no mapping can be there",
    (signal.SIGBUS, 1): "the address is not aligned",
    (signal.SIGBUS, 2): "the mapped file has no such page",
    (signal.SIGBUS, 3): "the memory behind the address failed",
    (signal.SIGFPE, 1): "integer division by zero, or its result does not fit",
    (signal.SIGFPE, 2): "integer overflow",
    (signal.SIGFPE, 3): "floating-point division by zero",
    (signal.SIGFPE, 4): "floating-point overflow",
    (signal.SIGFPE, 5): "floating-point underflow",
    (signal.SIGFPE, 6): "inexact floating-point result",
    (signal.SIGFPE, 7): "invalid floating-point operation",
    (signal.SIGILL, 1): "no such instruction",
    (signal.SIGILL, 2): "no such instruction",
    (signal.SIGILL, 5): "a privileged instruction",
    (signal.SIGTRAP, 1): "a breakpoint instruction",
    (signal.SIGTRAP, 2): "a single step",
    (signal.SIGTRAP, _KERNEL): "a breakpoint instruction",
    (signal.SIGSYS, 1): "a system call that seccomp does not allow",
}


def signal_cause(number: int, code: int, sender: int, pid: int) -> str:
    """A signal's si_code in words. `sender`: the process that sent it, if one did; `pid`: the
    process that got it. "" for a code that says nothing."""
    if code in _SENT and sender:
        return "raised by the process itself" if sender == pid else f"sent by process {sender}"
    return _MEANINGS.get((number, code), _SENT.get(code, ""))
