# SPDX-License-Identifier: Apache-2.0
"""What commands print with: two consoles, and numbers as people read them.

Answers go to `out` (standard output), everything about the work itself to `err`
(standard error). Neither adds colours or cuts lines when it is not a terminal.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.theme import Theme

# One meaning each, in every command.
THEME = Theme(
    {
        "number": "cyan",
        "address": "bright_black",
        "symbol": "green",
        "source": "bright_black",
        "changed": "yellow",
        "read": "blue",
        "written": "magenta",
        "event": "bold red",
        "good": "green",
        "bad": "bold red",
        "label": "bright_black",
        "command": "bold",
    }
)


def make_console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    piped_width = None if stream.isatty() else 10_000
    return Console(
        stderr=stderr,
        theme=THEME,
        highlight=False,
        soft_wrap=True,
        emoji=False,
        markup=True,
        width=piped_width,
    )


def out() -> Console:
    return make_console()


def err() -> Console:
    return make_console(stderr=True)


def print_error(error: Exception) -> None:
    """Say on standard error what went wrong, in one line."""
    err().print(f"[bad]reven:[/] {escape(' '.join(str(error).split()))}")


def print_json(value: Any) -> None:
    """Write `value` (builtins and msgspec structs) to standard output as indented JSON."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def count_text(count: int) -> str:
    """1234567 → "1,234,567"."""
    return f"{count:,}"


def plural(count: int, noun: str) -> str:
    """(2, "thread") → "2 threads"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size_text(size: float) -> str:
    """Bytes with a decimal unit: 1234567 → "1.2 MB"."""
    if size < 1000:
        return f"{size:.0f} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def rate_text(per_second: float) -> str:
    """1234567.0 → "1.2 M/s"."""
    for unit in ("", " k", " M"):
        if per_second < 999.95:
            return f"{per_second:.1f}{unit}/s"
        per_second /= 1000
    return f"{per_second:.1f} G/s"


def duration_text(seconds: float) -> str:
    """Seconds → "0.42 s", "1 min 05 s", "2 h 03 min"."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"
