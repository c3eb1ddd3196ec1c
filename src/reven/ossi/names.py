# SPDX-License-Identifier: Apache-2.0
"""Names for the numbers of Linux: system calls and signals.

System calls come from the table of them; signals from Python's own.
"""

from __future__ import annotations

import signal

from reven.ossi.linux.system_calls import system_call


def syscall_name(number: int) -> str | None:
    """Name of an x86-64 Linux system call: 0 → `read`. None for an unknown number."""
    call = system_call(number)
    return call.name if call else None


def signal_name(number: int) -> str | None:
    """Name of a Linux signal: 11 → `SIGSEGV`, 40 → `SIGRTMIN+6`. None for an unknown number."""
    if signal.SIGRTMIN < number < signal.SIGRTMAX:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
