# SPDX-License-Identifier: Apache-2.0
"""A line at the bottom of the terminal that a running program's output scrolls above.

The recorded program and the status share one terminal. As apt does, the last
row is kept out of the scrolling region while the status is shown, so that
neither overwrites the other.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Self

SAVE_CURSOR = "\0337"
RESTORE_CURSOR = "\0338"
CLEAR_LINE = "\033[2K"
MIN_ROWS = 4


class StatusLine:
    """Shows a text on the terminal's last row; does nothing where standard error is none."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def show(self, text: str) -> None:
        """Replace the text. It is cut to the width of the terminal."""
        if not self._terminal:
            return
        columns, rows = os.get_terminal_size(sys.stderr.fileno())
        if rows < MIN_ROWS:
            return
        reserve = "" if rows == self._rows else self._reserve(rows)
        self._rows = rows
        body = text[: columns - 1]
        self._write(
            f"{reserve}{SAVE_CURSOR}\033[{rows};1H{CLEAR_LINE}\033[7m{body}\033[m{RESTORE_CURSOR}"
        )

    def close(self) -> None:
        """Give the row back to the terminal."""
        if self._rows:
            self._write(
                f"{SAVE_CURSOR}\033[1;{self._rows}r\033[{self._rows};1H{CLEAR_LINE}{RESTORE_CURSOR}"
            )
            self._rows = 0

    @staticmethod
    def _reserve(rows: int) -> str:
        # The line feed scrolls a cursor on the last row up, out of the row that is taken.
        return f"\n{SAVE_CURSOR}\033[1;{rows - 1}r{RESTORE_CURSOR}\033[1A"

    @staticmethod
    def _write(text: str) -> None:
        # One write, so that the program's own output cannot come in between.
        os.write(sys.stderr.fileno(), text.encode())
