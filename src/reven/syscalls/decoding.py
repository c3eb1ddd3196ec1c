# SPDX-License-Identifier: Apache-2.0
"""System calls as text, as strace prints them: flags by their names, texts, structures."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from reven import _engine
from reven.ossi import signal_name
from reven.ossi.linux.system_call_types import arguments_of, name_sets, size_of, structures
from reven.ossi.linux.system_calls import Argument, Count, system_call
from reven.syscalls.descriptors import ReadMemory, socket_address
from reven2._service.syscalls import ArgumentData, SyscallData

__all__ = ["Decoder"]

_MASK = (1 << 64) - 1
_SHOWN_BYTES = 32
_SHOWN_ELEMENTS = 16
_LONGEST_TEXT = 4096
_DEEPEST = 4
_SIGNED_32 = frozenset({"int", "i32", "pid"})
_SIGNED_64 = frozenset({"long", "i64", "offset"})
_UNSIGNED_32 = frozenset({"uint", "u32", "uid", "gid"})
_WIDTHS = {"u8": 1, "u16": 2, "i16": 2}
_INTERRUPTED = {
    512: "ERESTARTSYS",
    513: "ERESTARTNOINTR",
    514: "ERESTARTNOHAND",
    516: "ERESTART_RESTARTBLOCK",
}
"""Errors that the kernel keeps to itself: the call goes on when the signal was handled."""
_RESULT_FLAGS = {"F_GETFL": "open"}
"""Commands of fcntl whose results are flags: of which set."""
_WITHOUT_ARGUMENT = frozenset(
    {"F_GETFL", "F_GETFD", "F_GETOWN", "F_GETSIG", "F_GETLEASE", "F_GETPIPE_SZ", "F_GET_SEALS"}
)
_ESCAPES = {
    0x22: '\\"',
    0x5C: "\\\\",
    0x0A: "\\n",
    0x0D: "\\r",
    0x09: "\\t",
    0x0B: "\\v",
    0x0C: "\\f",
}


class _Moment(NamedTuple):
    """What an argument's text depends on: the numbers of the others, and when memory counts."""

    values: dict[str, int]
    before: int
    after: int | None
    result: int | None


class Decoder:
    """Writes calls.

    Parameters:
        read_memory: (context, address, size).
        name_of: what a descriptor stands for at a call (transition, descriptor); "" if unknown.
    """

    def __init__(self, read_memory: ReadMemory, name_of: Callable[[int, int], str]) -> None:
        self._read, self._name_of = read_memory, name_of

    def call(self, found: _engine.Syscall) -> SyscallData:
        """A system call in words."""
        known = system_call(found.number)
        result = found.result
        if known is None:
            arguments = [
                ArgumentData(f"arg{number}", value, f"{value:#x}")
                for number, value in enumerate(found.arguments)
            ]
            return self._whole(found, f"syscall_{found.number:#x}", "", arguments, "int")
        described = arguments_of(known, found.arguments)
        values = {one.name: value for one, value in zip(described, found.arguments, strict=False)}
        moment = _Moment(
            values, found.transition, None if result is None else found.transition + 1, result
        )
        arguments = [
            ArgumentData(one.name, value, self._argument(one, value, moment))
            for one, value in zip(described, found.arguments, strict=False)
        ]
        if known.name in ("open", "openat") and not _makes(values.get("flags", 0)):
            arguments = [one for one in arguments if one.name != "mode"]
        if not known.name.startswith("open"):
            arguments = [_without_access(one) for one in arguments]
        command = arguments[1].text if known.name == "fcntl" else ""
        if command in _WITHOUT_ARGUMENT:
            arguments = arguments[:2]
        elif command == "F_SETFL":
            arguments[2] = msgspec.structs.replace(
                arguments[2], text=_flags("open", arguments[2].value)
            )
        elif command == "F_SETFD" and arguments[2].value == 1:
            arguments[2] = msgspec.structs.replace(arguments[2], text="FD_CLOEXEC")
        kind = _RESULT_FLAGS.get(command, known.result)
        return self._whole(found, known.name, known.group, arguments, kind)

    def _whole(
        self,
        found: _engine.Syscall,
        name: str,
        group: str,
        arguments: list[ArgumentData],
        kind: str,
    ) -> SyscallData:
        result, error = found.result, ""
        if result is None:
            shown = "?"
        elif -4095 <= result < 0:
            error = errno.errorcode.get(-result) or _INTERRUPTED.get(-result) or str(-result)
            shown = f"-1 {error} ({os.strerror(-result)})" if -result < 512 else f"? {error}"
        elif kind == "fd":
            shown = self._descriptor(found.transition + 1, result)
        elif kind in _RESULT_FLAGS.values() and result:
            shown = f"{result:#x} (flags {_flags(kind, result)})"
        elif kind == "mode":
            shown = self._number(Argument("", "mode"), result, found.transition)
        elif kind in ("address", "hex"):
            shown = f"{result & _MASK:#x}"
        else:
            shown = str(result)
        text = f"{name}({', '.join(one.text for one in arguments)}) = {shown}"
        return SyscallData(
            found.transition,
            found.thread,
            found.number,
            name,
            group,
            arguments,
            result,
            error,
            text,
        )

    def _argument(self, argument: Argument, value: int, moment: _Moment) -> str:
        if argument.type in ("path", "string") and argument.access == "in" and not argument.room:
            if argument.is_list:
                return self._texts(moment.before, value)
            return self._text(moment.before, value)
        if argument.access:
            return self._memory(argument, value, moment)
        return self._number(argument, value, moment.before)

    def _number(self, argument: Argument, value: int, at: int) -> str:
        kind = argument.type
        if kind in ("fd", "dirfd"):
            number = _signed(value, 4)
            if kind == "dirfd" and number == -100:
                return "AT_FDCWD"
            return self._descriptor(at, number)
        if kind == "flags":
            return _flags(argument.set, value)
        if kind == "enum":
            return _enum(argument.set, value)
        if kind == "signal":
            return signal_name(_signed(value, 4)) or str(_signed(value, 4))
        if kind == "mode":
            return f"0{value & 0o7777777:o}" if value & 0o7777777 else "000"
        if kind in ("address", "hex", "dev"):
            return "NULL" if not value and kind == "address" else f"{value:#x}"
        if kind in _SIGNED_32:
            return str(_signed(value, 4))
        if kind in _SIGNED_64:
            return str(_signed(value, 8))
        if kind in _UNSIGNED_32:
            low = value & 0xFFFFFFFF
            return "-1" if low == 0xFFFFFFFF and kind in ("uid", "gid") else str(low)
        if kind in _WIDTHS:
            width = _WIDTHS[kind]
            return str(_signed(value, width) if kind[0] == "i" else value & (1 << 8 * width) - 1)
        return str(value)

    def _descriptor(self, at: int, number: int) -> str:
        name = self._name_of(at, number) if number >= 0 else ""
        return f"{number}<{name}>" if name else str(number)

    def _text(self, at: int, address: int) -> str:
        if not address:
            return "NULL"
        for size in (256, _LONGEST_TEXT):
            for taken in (size, -address % 4096 or 4096):
                data = self._read(at, address, min(size, taken))
                if data is not None and 0 in data:
                    return _quoted(data[: data.index(0)])
        return f"{address:#x}"

    def _texts(self, at: int, address: int) -> str:
        if not address:
            return "NULL"
        shown: list[str] = []
        for number in range(_SHOWN_ELEMENTS + 1):
            word = self._read(at, address + 8 * number, 8)
            if word is None or not any(word):
                break
            if number == _SHOWN_ELEMENTS:
                shown.append("...")
                break
            shown.append(self._text(at, int.from_bytes(word, "little")))
        return f"[{', '.join(shown)}]"

    def _memory(self, argument: Argument, address: int, moment: _Moment) -> str:
        if not address:
            return "NULL"
        writes = argument.access in ("out", "scatter", "inout")
        failed = moment.result is None or -4095 <= moment.result < 0
        if argument.access in ("out", "scatter") and failed:
            return f"{address:#x}"
        at = moment.after if writes and moment.after is not None else moment.before
        count = self._count(argument, moment)
        if argument.type == "u8":
            if count is None:
                return f"{address:#x}"
            return self._bytes(at, address, count)
        if argument.type == "sockaddr":
            data = self._read(at, address, min(count or 0, 128)) if count else None
            words = socket_address(data) if data else ""
            return f'"{words}"' if words else f"{address:#x}"
        size = size_of(argument.type)
        if not size or (count is not None and count > 1 << 16):
            return f"{address:#x}"
        if argument.room is None:
            return self._element(argument.type, at, address, moment, 0)
        number = count or 0
        shown = [
            self._element(argument.type, at, address + size * index, moment, 0)
            for index in range(min(number, _SHOWN_ELEMENTS))
        ]
        if number > _SHOWN_ELEMENTS:
            shown.append("...")
        return f"[{', '.join(shown)}]"

    def _count(self, argument: Argument, moment: _Moment) -> int | None:
        """How many elements memory has: of what is written, as many as are used."""
        counts = [argument.room]
        is_vector = argument.access in ("gather", "scatter")
        is_used = argument.used is not None and moment.result is not None and not is_vector
        if is_used and argument.access != "in":
            counts = [argument.used, argument.room]
        found = [self._number_of(one, moment) for one in counts if one is not None]
        known = [one for one in found if one is not None]
        return min(known) if known else None

    def _number_of(self, count: Count, moment: _Moment) -> int | None:
        if not count.of:
            return count.add
        if count.of == "result":
            return (
                None if moment.result is None or moment.result < 0 else count.value(moment.result)
            )
        value = moment.values.get(count.of)
        if value is None:
            return None
        if count.pointed:
            data = self._read(moment.after or moment.before, value, 4)
            if data is None:
                return None
            value = int.from_bytes(data, "little")
        return count.value(value)

    def _bytes(self, at: int, address: int, count: int) -> str:
        data = self._read(at, address, min(count, _SHOWN_BYTES))
        if data is None:
            return f"{address:#x}"
        return _quoted(data) + ("..." if count > _SHOWN_BYTES else "")

    def _element(self, kind: str, at: int, address: int, moment: _Moment, depth: int) -> str:
        structure = structures().get(kind)
        size = size_of(kind)
        data = self._read(at, address, size)
        if data is None:
            return f"{address:#x}"
        if structure is None:
            value = int.from_bytes(data, "little")
            if kind == "path":
                return self._text(at, value)
            return self._number(Argument("", kind), value, moment.before)
        values: dict[str, int] = {}
        for offset, field in structure.fields:
            width = 8 if field.access else _width(field)
            values[field.name] = int.from_bytes(data[offset : offset + width], "little")
        shown = []
        for offset, field in structure.fields:
            if field.name.startswith(("__", "resv")) or "reserved" in field.name:
                continue
            shown.append(
                f"{field.name}={self._field(field, at, address + offset, values, moment, depth)}"
            )
        return "{" + ", ".join(shown) + "}"

    def _field(
        self,
        field: Argument,
        at: int,
        address: int,
        values: dict[str, int],
        moment: _Moment,
        depth: int,
    ) -> str:
        value = values[field.name]
        inner = _Moment(values, moment.before, moment.after, moment.result)
        if field.access:
            if depth >= _DEEPEST or not value:
                return "NULL" if not value else f"{value:#x}"
            if field.access == "data":
                field = Argument(field.name, field.type, "in", field.set, field.room)
            return self._memory_at(field, value, inner, at)
        if field.room is not None:
            size = size_of(field.type) if field.type != "u8" else 1
            count = field.room.add
            if field.type == "u8":
                return self._bytes(at, address, count)
            shown = [
                self._element(field.type, at, address + size * index, inner, depth + 1)
                for index in range(min(count, _SHOWN_ELEMENTS))
            ]
            return f"[{', '.join(shown)}]"
        if field.type in structures():
            return self._element(field.type, at, address, inner, depth + 1)
        return self._number(field, value, moment.before)

    def _memory_at(self, field: Argument, value: int, moment: _Moment, at: int) -> str:
        """Memory that a structure names, as of the context in which the structure counts."""
        return self._memory(field, value, _Moment(moment.values, at, None, 0))


def _without_access(one: ArgumentData) -> ArgumentData:
    """Flags of open as other calls take them: the access, 0, is not meant."""
    if not one.text.startswith("O_RDONLY"):
        return one
    return msgspec.structs.replace(one, text=one.text.removeprefix("O_RDONLY").lstrip("|") or "0")


def _makes(flags: int) -> bool:
    """Whether open's flags make a file, so that its mode counts."""
    return bool(flags & 0o100) or flags & 0o20200000 == 0o20200000


def _width(field: Argument) -> int:
    if field.type in structures():
        return structures()[field.type].size
    if field.type in ("flags", "enum"):
        return 4 if field.set in ("epoll", "msg", "statx", "io_uring_setup", "xattr") else 8
    return size_of(field.type)


def _flags(name: str, value: int) -> str:
    known = name_sets()[name]
    found: list[str] = []
    left = value & _MASK
    if known.field:
        number = left & known.field
        for word, bits in known.names.items():
            if bits == number and bits & ~known.field == 0:
                found.append(word)
                left &= ~known.field
                break
    # Names of several bits before those of parts of them.
    for word, bits in sorted(known.names.items(), key=lambda item: -item[1].bit_count()):
        if bits > 0 and left & bits == bits and bits & known.field == 0:
            found.append(word)
            left &= ~bits
    order = {word: number for number, word in enumerate(known.names)}
    found.sort(key=lambda word: order[word])
    if left:
        found.append(f"{left & 0xFFFFFFFF if left >> 32 == 0xFFFFFFFF else left:#x}")
    return "|".join(found) or "0"


def _enum(name: str, value: int) -> str:
    known = name_sets()[name]
    number = value & 0xFFFFFFFF
    extra: list[str] = []
    if known.flags:
        for word, bits in known.names.items():
            if bits >= known.flags and number & bits == bits:
                extra.append(word)
                number &= ~bits
    for word, bits in known.names.items():
        if bits & 0xFFFFFFFF == number and (not known.flags or bits < known.flags):
            return "|".join([word, *extra])
    return "|".join([f"{number:#x}" if number > 9 else str(number), *extra])


def _signed(value: int, width: int) -> int:
    value &= (1 << 8 * width) - 1
    return value - (1 << 8 * width) if value >> (8 * width - 1) else value


def _quoted(data: Sequence[int]) -> str:
    """Bytes as C writes them."""
    shown = []
    for number, byte in enumerate(data):
        if byte in _ESCAPES:
            shown.append(_ESCAPES[byte])
        elif 0x20 <= byte < 0x7F:
            shown.append(chr(byte))
        else:
            following = data[number + 1] if number + 1 < len(data) else 0
            width = 3 if 0x30 <= following <= 0x39 else 0
            shown.append(f"\\{byte:0{width}o}")
    return '"' + "".join(shown) + '"'
