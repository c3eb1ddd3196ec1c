# SPDX-License-Identifier: Apache-2.0
"""64-bit numbers in JSON: text such as `0x7ffc0010`, for a number of JavaScript ends at 2^53.

Addresses and values are spelled so wherever a browser reads them: in views, in the messages of
sessions, and in what is published over HTTP. Transitions, sizes and counts are numbers.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from reven2.errors import InvalidArgumentError

__all__ = ["ADDRESSES", "LARGEST_EXACT", "Hexadecimal", "hexadecimal", "parsed_address"]

LARGEST_EXACT = (1 << 53) - 1
"""What is a number in JSON is not larger."""

Hexadecimal = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{1,16}$")]
"""A number below 2^64 as JSON has it."""

ADDRESSES = 1 << 64
"""How many bytes an address can name."""


def hexadecimal(number: int) -> str:
    """A number as JSON has it."""
    return f"{number:#x}"


def parsed_address(text: str) -> int:
    """The number of a string as `hexadecimal` makes it.

    Raises:
        InvalidArgumentError (a ValueError): it is none, or no address.
    """
    try:
        number = int(text, 16) if text.startswith("0x") else -1
    except ValueError:
        number = -1
    if not 0 <= number < ADDRESSES:
        raise InvalidArgumentError(f"{text[:40]!r} is no address: write 0x and up to 16 digits.")
    return number
