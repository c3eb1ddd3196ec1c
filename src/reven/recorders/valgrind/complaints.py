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
)


def explained(complaint: str) -> str:
    """A line of Valgrind's as a sentence about the program; itself if nothing better is
    known."""
    for pattern, sentence in _COMPLAINTS:
        found = pattern.search(complaint)
        if found:
            return found.expand(sentence)
    return complaint
