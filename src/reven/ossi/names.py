# SPDX-License-Identifier: Apache-2.0
"""Names for the numbers of Linux: system calls and signals.

System calls come from the system-calls package, which follows each kernel release; signals
from Python's own table.
"""

from __future__ import annotations

import signal
from functools import cache

from system_calls import syscalls

# Numbers that are taken but that the package leaves out, because today's kernels answer
# ENOSYS. Source: <asm/unistd_64.h>.
_WITHOUT_IMPLEMENTATION = {
    134: "uselib",
    156: "_sysctl",
    174: "create_module",
    177: "get_kernel_syms",
    178: "query_module",
    180: "nfsservctl",
    181: "getpmsg",
    182: "putpmsg",
    183: "afs_syscall",
    184: "tuxcall",
    185: "security",
    236: "vserver",
}


@cache
def _syscall_names() -> dict[int, str]:
    known: dict[int, str] = syscalls().load_reverse_arch_table("x86_64")
    return _WITHOUT_IMPLEMENTATION | known


def syscall_name(number: int) -> str | None:
    """Name of an x86-64 Linux system call: 0 → `read`. None for an unknown number."""
    return _syscall_names().get(number)


def signal_name(number: int) -> str | None:
    """Name of a Linux signal: 11 → `SIGSEGV`, 40 → `SIGRTMIN+6`. None for an unknown number."""
    if signal.SIGRTMIN < number < signal.SIGRTMAX:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
    try:
        return signal.Signals(number).name
    except ValueError:
        return None
