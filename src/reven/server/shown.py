# SPDX-License-Identifier: Apache-2.0
"""Answers for the browser, in which nothing from outside turns the writing around or hides."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from reven.printable import printable_lines

__all__ = ["shown_json"]

_SUSPICIOUS = re.compile(
    rb"\\u00[0-9a-f]{2}|\\[bfr]|\x7f|\xc2[\x80-\x9f\xad]|\xd8\x9c|\xe1\xa0\x8e"
    rb"|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]|\xf3\xa0"
)
"""In JSON as UTF-8: controls, overrides of the direction, what has no width."""


def shown_json(data: bytes) -> bytes:
    """An answer with every text in it made printable; most are already."""
    if _SUSPICIOUS.search(data) is None:
        return data
    return msgspec.json.encode(_shown(msgspec.json.decode(data)))


def _shown(value: Any) -> Any:
    match value:
        case str():
            return printable_lines(value)
        case list():
            return [_shown(one) for one in value]
        case dict():
            return {printable_lines(name): _shown(one) for name, one in value.items()}
    return value
