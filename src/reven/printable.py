# SPDX-License-Identifier: Apache-2.0
"""Text from outside (names of symbols and files, arguments, notes, others' sessions) as it may
be shown: what a terminal or a browser would obey instead of show is written out, `\\x1b`."""

from __future__ import annotations

__all__ = ["printable", "printable_lines"]


def printable(text: str) -> str:
    """`text` in one line, with all that has no glyph as Python writes it: controls, line ends,
    overrides of the writing direction, lone surrogates.

    >>> printable("ev\\x1b[31m\\u202e")
    'ev\\\\x1b[31m\\\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def printable_lines(text: str) -> str:
    """The same of text that has lines and tabs of its own."""
    if text.isprintable():
        return text
    return "".join(one if one in "\n\t" else printable(one) for one in text)
