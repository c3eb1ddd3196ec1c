# SPDX-License-Identifier: Apache-2.0
"""Conditions that editors' users write at breakpoints: comparisons, joined by && or ||."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from reven.bridges.machine import Condition, Machine
from reven2.errors import InvalidArgumentError, RevenError

__all__ = ["condition_of"]

_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_LONGEST = 1000
_COMPARISON = re.compile(r"\s*(\S.*?)\s*(==|!=|<=|>=|<|>)\s*(-?(?:0[xX][0-9a-fA-F]+|\d+))\s*")


def condition_of(machine: Machine, text: str) -> Condition:
    """The condition that is written: `i == 28`, `rdi > 0x10 && [rsp+8] != 0`.

    Raises:
        InvalidArgumentError (a ValueError): it is none.
    """
    if len(text) > _LONGEST:
        raise InvalidArgumentError(f"A condition may have at most {_LONGEST} characters.")
    choices = [[_comparison(machine, one) for one in part.split("&&")] for part in text.split("||")]
    return lambda context, view: any(all(one(context) for one in part) for part in choices)


def _comparison(machine: Machine, text: str) -> Callable[[int], bool]:
    found = _COMPARISON.fullmatch(text)
    if found is None:
        raise InvalidArgumentError(
            f"{text.strip()[:60]!r} is no condition: compare a variable, a register or memory with "
            "a number, as in i == 28 && rdi > 0x10."
        )
    name, compare, number = found[1], _OPERATORS[found[2]], int(found[3], 0)

    def holds(context: int) -> bool:
        value = _value(machine, context, name)
        return value is not None and compare(value, number)

    return holds


def _value(machine: Machine, context: int, name: str) -> int | None:
    at = machine.trace._context(context)
    try:
        value = at.read(name[1:] if name.startswith("$") else name, 8 if "[" in name else None)
    except RevenError:
        try:
            value = at.variable(name).read()
        except RevenError:
            return None
    if isinstance(value, bytearray):
        return int.from_bytes(value[:8], "little")
    return int(value) if isinstance(value, int | float) else None
