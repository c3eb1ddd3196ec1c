# SPDX-License-Identifier: Apache-2.0
"""Text from outside as `str`, `repr` and notebooks may show it (`reven.printable` says why;
that one is not imported here, as nothing of `reven` is)."""

from __future__ import annotations

import html

__all__ = ["escape", "printable", "printable_lines"]


def printable(text: str) -> str:
    """`text` with all that has no glyph written out (`\\x1b`), in one line."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def printable_lines(text: str) -> str:
    """The same of text that has lines of its own."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def escape(text: str, quote: bool = True) -> str:
    """`text` for HTML: nothing in it is markup, or turns the writing around. Its lines stay."""
    return html.escape(printable_lines(text), quote)
