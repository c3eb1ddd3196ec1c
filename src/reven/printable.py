# SPDX-License-Identifier: Apache-2.0
"""Text from outside (names of symbols and files, arguments, notes, others' sessions) as it may
be shown: what a terminal or a browser would obey instead of show is written out, `\\x1b`."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["printable", "printable_lines", "storable", "stored_json"]


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


def storable(text: str) -> str:
    """Text that can be stored as UTF-8, whatever bytes a program's arguments and paths are."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def stored_json(value: Any) -> bytes:
    """`value` (builtins and msgspec structs) as JSON, all its texts `storable`."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_storable(msgspec.to_builtins(value)))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, list | tuple) else value
