# SPDX-License-Identifier: Apache-2.0
"""What commands print with: two consoles, and numbers as people read them.

Answers go to `out` (standard output), everything about the work itself to `err`
(standard error). Neither adds colours or cuts lines when it is not a terminal.

Nothing else prints: what comes from a program, a trace or another client passes `escape` and
these consoles, or `print_json`, and reaches no terminal raw.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import msgspec
from rich import markup
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.theme import Theme

from reven.printable import printable, printable_lines, stored_json

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


class _PlainConsole(Console):
    """A console that writes no control character but its own, whatever it is given."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(printable_lines(segment.text), segment.style)


def make_console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    piped_width = None if stream.isatty() else 10_000
    return _PlainConsole(
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


def escape(text: str) -> str:
    """A text from outside as a part of a line that is printed: neither control characters nor
    markup, and on one line."""
    return markup.escape(printable(text))


def print_line(text: str) -> None:
    """Write a line from outside to standard output as it is, but for control characters."""
    sys.stdout.write(printable(text) + "\n")


def print_lines(text: str, *, stderr: bool = False) -> None:
    """Write lines that already are apart, each safe for a terminal."""
    make_console(stderr=stderr).print(printable_lines(text), markup=False)


def print_bytes(data: bytes) -> None:
    """Write what the recorded program wrote: into a pipe or file as it is; a terminal is not to
    obey it a second time."""
    if sys.stdout.isatty():
        sys.stdout.write(printable_lines(data.decode("utf-8", "replace")))
        sys.stdout.flush()
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def print_error(error: Exception) -> None:
    """Say on standard error what went wrong, in one line."""
    err().print(f"[bad]reven:[/] {escape(' '.join(str(error).split()))}")


def print_json(value: Any, *, indent: int = 2) -> None:
    """Write `value` (builtins and msgspec structs) to standard output as JSON; with `indent` -1
    on one line. Whoever reads it gets every character; a terminal gets none that it obeys."""
    text = msgspec.json.format(stored_json(value), indent=indent).decode()
    if not text.isascii() or "\x7f" in text:
        # Within strings only: all else in JSON is ASCII.
        text = "".join(
            one if one.isprintable() or one == "\n" else _json_escape(one) for one in text
        )
    sys.stdout.buffer.write(text.encode() + b"\n")
    sys.stdout.buffer.flush()


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


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
