# SPDX-License-Identifier: Apache-2.0
"""Times, numbers of transitions and sizes, as users write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reven.record.errors import CannotRecord

__all__ = ["Amount", "parse_amount", "parse_size"]

_TIMES = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_COUNTS = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}
_SIZES = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_AMOUNT = re.compile(r"(?P<number>[0-9][0-9_,]*(?:\.[0-9]+)?)\s*(?P<unit>[A-Za-z]*)")
_LARGEST = 1 << 62


@dataclass(frozen=True)
class Amount:
    """So many seconds, or so many transitions."""

    seconds: float = 0.0
    transitions: int = 0


def parse_amount(written: str, option: str) -> Amount:
    """`5s`, `500ms`, `2min`, `1000000`, `10M`. Raises CannotRecord."""
    match = _AMOUNT.fullmatch(written.strip())
    if match is not None:
        number = float(match["number"].replace(",", "").replace("_", ""))
        if match["unit"] in _TIMES and 0 < number * _TIMES[match["unit"]] < _LARGEST / 1000:
            return Amount(seconds=number * _TIMES[match["unit"]])
        if match["unit"] in _COUNTS and 1 <= number * _COUNTS[match["unit"]] < _LARGEST:
            return Amount(transitions=round(number * _COUNTS[match["unit"]]))
    raise CannotRecord(
        f"{option} {written}: write a time, as 5s, 500ms or 2min, or a number of transitions, as "
        "1000000 or 1M."
    )


def parse_size(written: str, option: str) -> int:
    """Bytes of `500MB`, `2G`, `64MiB`. Raises CannotRecord."""
    match = _AMOUNT.fullmatch(written.strip())
    unit = re.fullmatch(r"([KMGTkmgt]?)(i?[Bb])?", match["unit"]) if match is not None else None
    if match is not None and unit is not None:
        base = 1024 if unit[2] and unit[2][0] == "i" else 1000
        number = float(match["number"].replace(",", "").replace("_", ""))
        size = round(number * float(base) ** _SIZES[unit[1].upper()])
        if 0 < size < _LARGEST:
            return size
    raise CannotRecord(f"{option} {written}: write a size, as 500MB or 2G.")
