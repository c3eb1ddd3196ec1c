# SPDX-License-Identifier: Apache-2.0
"""Valgrind's own limits, set to those of whoever records."""

from __future__ import annotations

import resource

_MOST_THREADS = 4000
"""Valgrind takes memory for as many when it starts: 7 kB each."""
_LARGEST_STACK = 1 << 30
"""Bytes; set aside for a program whose stack has no limit."""


def limit_options() -> list[str]:
    """Options of Valgrind for the number of threads and the size of the first one's stack."""
    threads = _soft_limit(resource.RLIMIT_NPROC)
    stack = _soft_limit(resource.RLIMIT_STACK)
    return [
        f"--max-threads={min(threads or _MOST_THREADS, _MOST_THREADS)}",
        f"--main-stacksize={stack or _LARGEST_STACK}",
    ]


def _soft_limit(which: int) -> int | None:
    soft = resource.getrlimit(which)[0]
    return None if soft == resource.RLIM_INFINITY else soft
