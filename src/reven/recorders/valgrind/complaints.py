# SPDX-License-Identifier: Apache-2.0
"""What Valgrind says when it gives a program up, in words for whoever records."""

from __future__ import annotations

import re

_COMPLAINTS = (
    (
        re.compile(r"Unsupported clone\(\) flags: (0x[0-9a-f]+)"),
        r"it called clone with the flags \1, which the recorder cannot follow; start that "
        "process with fork, vfork or posix_spawn",
    ),
    (
        re.compile(r"Use --max-threads=INT to specify a larger number of threads"),
        "it has more threads at once than the recorder takes, which are the caller's limit "
        "(ulimit -u), and 4000 at most",
    ),
    (
        re.compile(r"out_of_memory|out of memory"),
        "it and the recorder needed more memory than there is, or than is allowed (ulimit -v, "
        "ulimit -d)",
    ),
)


def explained(log: str) -> str:
    """What Valgrind wrote as a sentence about the program; its first line if nothing better
    is known, "" if there is none."""
    for pattern, sentence in _COMPLAINTS:
        found = pattern.search(log)
        if found:
            return found.expand(sentence)
    lines = (line.split("== ", 1)[-1].strip() for line in log.splitlines())
    return next((line.rstrip(".:") for line in lines if line.strip("= ")), "")
