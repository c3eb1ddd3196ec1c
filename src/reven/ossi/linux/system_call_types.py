# SPDX-License-Identifier: Apache-2.0
"""What the arguments of system calls are: names of numbers, structures, and what an argument is
whose type depends on another."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from reven.ossi.linux.system_calls import (
    Argument,
    SystemCall,
    parse_arguments,
    read_numbers,
    read_rows,
    system_calls,
)

__all__ = ["NameSet", "Structure", "arguments_of", "name_sets", "size_of", "structures"]

_SIZES = {
    "u8": 1,
    "u16": 2,
    "i16": 2,
    "u32": 4,
    "i32": 4,
    "fd": 4,
    "pid": 4,
    "uid": 4,
    "gid": 4,
    "mode": 4,
    "signal": 4,
    "int": 4,
    "uint": 4,
    "u64": 8,
    "i64": 8,
    "ulong": 8,
    "hex": 8,
    "size": 8,
    "address": 8,
    "path": 8,
}
# Fields that are flags, in fewer than 64 bits.
_NARROW = {"epoll": 4, "msg": 4, "statx": 4, "io_uring_setup": 4, "xattr": 4}


@dataclass(frozen=True, slots=True)
class NameSet:
    """Names of numbers.

    Attributes:
        names: each name's number.
        field: of flags: bits that are one number, equal to one of the names within them; 0: none.
        flags: of an enum: names from this number on are combined with one of the others; 0: none.
    """

    names: dict[str, int]
    field: int
    flags: int


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure in memory: its fields, where each begins, and its size; 0: the call says it."""

    name: str
    fields: tuple[tuple[int, Argument], ...]
    size: int
    alignment: int
    c_name: str
    newer: frozenset[str]


@cache
def name_sets() -> dict[str, NameSet]:
    """The sets of names that `flags` and `enum` arguments have."""
    sets = {}
    for name, numbers in read_numbers("system_call_flags.toml").items():
        names = dict(numbers)
        field, flags = names.pop("_field", 0), names.pop("_flags", 0)
        sets[name] = NameSet(names, field, flags)
    return sets


@cache
def structures() -> dict[str, Structure]:
    """All structures, by name."""
    made: dict[str, Structure] = {}
    rows = read_rows("system_call_structures.toml")
    waiting = list(rows)
    while waiting:
        name = waiting.pop(0)
        fields = parse_arguments(rows[name]["fields"])
        if any(not field.access and field.type in waiting for field in fields):
            waiting.append(name)
            continue
        made[name] = _structure(name, rows[name], fields, made)
    return made


def _structure(
    name: str, row: dict[str, str], fields: tuple[Argument, ...], made: dict[str, Structure]
) -> Structure:
    offset, widest, placed = 0, 1, []
    for field in fields:
        size, alignment = _layout(field, made)
        if row.get("packed"):
            alignment = 1
        offset += -offset % alignment
        placed.append((offset, field))
        offset += size
        widest = max(widest, alignment)
    return Structure(
        name=name,
        fields=tuple(placed),
        size=offset + -offset % widest,
        alignment=widest,
        c_name=row.get("c", f"struct {name}"),
        newer=frozenset(row.get("newer", "").split()),
    )


def _layout(field: Argument, made: dict[str, Structure]) -> tuple[int, int]:
    """The size and alignment of a field."""
    if field.access:
        return 8, 8
    if field.type in made:
        size, alignment = made[field.type].size, made[field.type].alignment
    elif field.type == "flags":
        size = alignment = _NARROW.get(field.set, 8)
    else:
        size = alignment = _SIZES[field.type]
    return size * (field.room.add if field.room else 1), alignment


def size_of(kind: str) -> int:
    """Bytes of one element of memory of that type; 0 if the call says it."""
    return _SIZES[kind] if kind in _SIZES else structures()[kind].size


def arguments_of(call: SystemCall, values: tuple[int, ...]) -> tuple[Argument, ...]:
    """The arguments of a call that was given these numbers, those that depend on others resolved.

    >>> from reven.ossi.linux.system_calls import system_call
    >>> [str(one.type) for one in arguments_of(system_call(16), (0, 0x5413, 0x1000))]
    ['fd', 'enum', 'winsize']
    """
    variants = _variants().get(call.name)
    told = {argument.by for argument in call.arguments if argument.by}
    if variants is None or not told:
        return tuple(_number(argument) for argument in call.arguments)
    (teller,) = (at for at, argument in enumerate(call.arguments) if argument.name in told)
    argument = call.arguments[teller]
    value = values[teller] & 0xFFFFFFFF
    if argument.set and name_sets()[argument.set].flags:
        value &= name_sets()[argument.set].flags - 1
    changed = {one.name: one for one in variants.get(value, ())}
    return tuple(_number(changed.get(one.name, one)) for one in call.arguments)


def _number(argument: Argument) -> Argument:
    return Argument(argument.name, "hex") if argument.type == "any" else argument


@cache
def _variants() -> dict[str, dict[int, tuple[Argument, ...]]]:
    result: dict[str, dict[int, tuple[Argument, ...]]] = {}
    calls = {call.name: call for call in system_calls().values()}
    for name, rows in read_rows("system_call_variants.toml").items():
        told = {argument.by for argument in calls[name].arguments if argument.by}
        (teller,) = (one for one in calls[name].arguments if one.name in told)
        numbers = name_sets()[teller.set].names if teller.set else {}
        result[name] = {
            int(key) if key.isdigit() else numbers[key] & 0xFFFFFFFF: parse_arguments(text)
            for key, text in rows.items()
        }
    return result
