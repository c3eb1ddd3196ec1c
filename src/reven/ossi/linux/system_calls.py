# SPDX-License-Identifier: Apache-2.0
"""The table of system calls: what each is given, reads, writes and answers.

Facts about the kernel's interface, in four files beside this one: `system_calls.toml` explains
the notation.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["Argument", "Count", "SystemCall", "system_call", "system_calls"]

_ARGUMENT = re.compile(
    r"(?:(?P<access>in|out|inout|gather|scatter|data) )?"
    r"(?P<type>\w+)(?::(?P<set>\w+))? (?P<name>\w+)"
    r"(?:\[(?P<room>[^\]|]*)(?:\|(?P<used>[^\]]+))?\])?(?: by (?P<by>\w+))?"
)
_COUNT = re.compile(r"(?P<pointer>\*)?(?P<base>\w+)(?:(?P<sign>[+*/])(?P<number>\d+))?")
_TEXTS = ("path", "string")


@dataclass(frozen=True, slots=True)
class Count:
    """How many elements memory has: from what, times `multiply` divided by `divide`, and `add`.

    `of`: an argument's name, `result`, or "" for the number `add` alone. `pointed`: the argument
    is a pointer to the number (32 bits).
    """

    of: str
    pointed: bool = False
    add: int = 0
    multiply: int = 1
    divide: int = 1

    def value(self, number: int) -> int:
        """The count, where what it comes from has the value `number`; eighths are rounded up."""
        return -(-number * self.multiply // self.divide) + self.add


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a system call.

    Attributes:
        name: as the kernel names it.
        type: a number's kind, `path`, `string`, an element's type or structure, or `any`.
        access: what the kernel does with the memory that the argument points to: "" (nothing: the
            argument is a number), `in` (reads it), `out` (writes it), `inout` (both), `gather` and
            `scatter` (reads it, and reads or writes the memory that it names); of a structure's
            field also `data` (whatever the call does with what the structure names).
        set: of `flags` and `enum`: their set; else "".
        room: how many elements the memory has room for; None: one, or up to a null if `is_list`.
        used: how many of them count when the call has returned; None: all.
        is_list: a list of pointers that ends with null.
        by: of `any`: the argument that tells what this one is; else "".
    """

    name: str
    type: str
    access: str = ""
    set: str = ""
    room: Count | None = None
    used: Count | None = None
    is_list: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A system call of Linux on x86-64.

    Attributes:
        number: in rax.
        name: without `sys_`.
        group: what it has to do with: files, memory, network …
        arguments: in the order of rdi, rsi, rdx, r10, r8, r9.
        result: what comes back: `zero`, `none` (does not return), or a number's kind.
        result_set: of a result that is `flags` or `enum`: its set; else "".
        does: what it is for, in words that follow its name.
        absent: why the kernel answers ENOSYS; "": it does not.
        needs: a privilege or condition without which it fails; "": none.
    """

    number: int
    name: str
    group: str
    arguments: tuple[Argument, ...]
    result: str
    result_set: str
    does: str
    absent: str
    needs: str


def system_call(number: int) -> SystemCall | None:
    """The call of that number; None if Linux has none.

    >>> write = system_call(1)
    >>> write.name, [argument.name for argument in write.arguments]
    ('write', ['fd', 'buf', 'count'])
    >>> write.arguments[1].access, write.arguments[1].used.of
    ('in', 'result')
    """
    return system_calls().get(number)


@cache
def system_calls() -> dict[int, SystemCall]:
    """All system calls, by number."""
    calls = [
        _call(group, name, row)
        for group, rows in _read("system_calls.toml").items()
        for name, row in rows.items()
    ]
    return {call.number: call for call in sorted(calls, key=lambda call: call.number)}


def read_rows(name: str) -> dict[str, dict[str, str]]:
    """One of the files beside this one whose tables are of text, as it is."""
    rows: dict[str, dict[str, str]] = _read(name)
    return rows


def read_numbers(name: str) -> dict[str, dict[str, int]]:
    """One of the files beside this one whose tables are of numbers, as it is."""
    numbers: dict[str, dict[str, int]] = _read(name)
    return numbers


def _read(name: str) -> Any:
    return tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))


def _call(group: str, name: str, row: dict[str, Any]) -> SystemCall:
    kind, _, of = row["result"].partition(":")
    return SystemCall(
        number=row["number"],
        name=name,
        group=group,
        arguments=parse_arguments(row["arguments"]),
        result=kind,
        result_set=of,
        does=row["does"],
        absent=row.get("absent", ""),
        needs=row.get("needs", ""),
    )


def parse_arguments(text: str) -> tuple[Argument, ...]:
    """The arguments that a line of the table names."""
    return tuple(_argument(part) for part in text.split(", ")) if text else ()


def _argument(text: str) -> Argument:
    match = _ARGUMENT.fullmatch(text)
    if match is None:
        raise ValueError(f'the table of system calls has an argument "{text}" that is none')
    access = match["access"] or ("in" if match["type"] in _TEXTS else "")
    return Argument(
        name=match["name"],
        type=match["type"],
        access=access,
        set=match["set"] or "",
        room=_count(match["room"]) if match["room"] else None,
        used=_count(match["used"]) if match["used"] else None,
        is_list=match["room"] == "",
        by=match["by"] or "",
    )


def _count(text: str) -> Count:
    match = _COUNT.fullmatch(text)
    if match is None:
        raise ValueError(f'the table of system calls has a count "{text}" that is none')
    if match["base"].isdigit():
        return Count("", add=int(match["base"]))
    number, sign = int(match["number"] or 0), match["sign"]
    return Count(
        of=match["base"],
        pointed=match["pointer"] is not None,
        add=number if sign == "+" else 0,
        multiply=number if sign == "*" else 1,
        divide=number if sign == "/" else 1,
    )
