# SPDX-License-Identifier: Apache-2.0
"""Answers to assistants: lines of text, bounded, with a cursor to go on from."""

from __future__ import annotations

from collections.abc import Iterable

from reven2.errors import InvalidArgumentError

__all__ = ["LARGEST_ANSWER", "Cursor", "clipped", "paged"]

LARGEST_ANSWER = 6000
"""Bytes of an answer: about 1,500 tokens."""
_LONGEST_LINE = 400


class Cursor:
    """Where an answer goes on: at a transition, after so many lines of it."""

    def __init__(self, position: int, skipped: int = 0) -> None:
        self.position, self.skipped = position, skipped

    @classmethod
    def of(cls, text: str, default: int) -> Cursor:
        """What stands in an answer's last line; empty: the beginning.

        Raises:
            InvalidArgumentError (a ValueError): it is none.
        """
        if not text:
            return cls(default)
        position, _, skipped = text.strip().partition("+")
        digits = position + skipped
        if not (digits.isdecimal() and digits.isascii()) or not position or len(text) > 36:
            raise InvalidArgumentError(
                f"{text[:40]!r} is no cursor: pass what `more:` in the answer before says."
            )
        return cls(int(position), int(skipped or "0"))

    def __str__(self) -> str:
        return f"{self.position}+{self.skipped}" if self.skipped else str(self.position)


def paged(lines: Iterable[tuple[int, str]], cursor: Cursor, limit: int, nothing: str) -> str:
    """As many lines as fit.

    Parameters:
        lines: (position, text) each, from the cursor's position on, in order.
        cursor: how many of that position were told before.
        limit: of lines.
        nothing: the answer if there are none.
    """
    told: list[str] = []
    size, position, at_position = 0, cursor.position, 0
    for place, text in lines:
        at_position = at_position + 1 if place == position else 1
        position = place
        if place == cursor.position and at_position <= cursor.skipped:
            continue
        line = clipped(text)
        if len(told) >= limit or (told and size + len(line.encode()) > LARGEST_ANSWER):
            told.append(f'more: cursor="{Cursor(place, at_position - 1)}"')
            break
        told.append(line)
        size += len(line.encode()) + 1
    return "\n".join(told) if told else nothing


def clipped(text: str) -> str:
    """One line, not too long, without what terminals and readers might take for commands."""
    line = "".join(letter if letter.isprintable() else "·" for letter in text)
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
