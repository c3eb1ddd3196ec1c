# SPDX-License-Identifier: Apache-2.0
"""Frames, variables, registers and code of a moment, as editors show them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import PurePath
from typing import Any

from reven.bridges.machine import Machine
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError, RegisterReadError, RevenError
from reven2.stack import SourceFrame
from reven2.trace import Context, Variable

__all__ = ["Shown"]

_REGISTERS = (
    *("rip", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11"),
    *("r12", "r13", "r14", "r15", "rflags", "fs_base", "gs_base"),
    *(f"ymm{number}" for number in range(16)),
)
_MOST_FRAMES, _MOST_PARTS = 1000, 1000
_BEFORE = 15  # bytes of the longest instruction
_THREADS = 1 << 12


class Shown:
    """What was told to the editor of the moment, by the numbers that it asks with."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._frames: dict[int, tuple[Context, SourceFrame | None]] = {}
        self._holders: dict[int, Callable[[], list[dict[str, Any]]]] = {}
        self._memory: dict[tuple[int, str], tuple[int, int]] = {}

    def forget(self) -> None:
        """The program moved."""
        self._frames, self._holders, self._memory = {}, {}, {}

    # ------------------------------------------------------------------ frames

    def frames(self, thread: int) -> list[dict[str, Any]]:
        """The call stack of a thread, the innermost first."""
        machine = self._machine
        context = machine.trace._context(machine.context)
        if thread != context.thread:
            before = machine.previous_of(thread, machine.context)
            if before is None:
                return []
            context = machine.trace._context(before)
        found = []
        for frame in context.stack.source_frames()[:_MOST_FRAMES]:
            key = thread * _THREADS + frame.number + 1
            self._frames[key] = (context, frame)
            found.append(_frame(key, context, frame))
        return found

    def scopes(self, frame: int) -> list[dict[str, Any]]:
        """What can be looked at in a frame."""
        context, of = self._frame(frame)
        inside = of.frame if of else 0
        locals_ = self._hold(lambda: self._variables(of.variables() if of else context.variables()))
        globals_ = self._hold(lambda: self._variables(context.variables(True, frame=inside)))
        registers = self._hold(lambda: _registers(context))
        return [
            {"name": "Locals", "presentationHint": "locals", "variablesReference": locals_,
             "expensive": False},
            {"name": "Globals", "variablesReference": globals_, "expensive": True},
            {"name": "Registers", "presentationHint": "registers",
             "variablesReference": registers, "expensive": False},
        ]  # fmt: skip

    def variables(self, reference: int) -> list[dict[str, Any]]:
        """What is in a scope or a variable."""
        if reference not in self._holders:
            raise InvalidArgumentError("That was of another moment: ask for the stack again.")
        found = self._holders[reference]()
        for one in found:
            if "memoryReference" in one:
                address = int(one["memoryReference"], 0)
                self._memory[reference, one["name"]] = (address, one.pop("_size"))
        return found

    def memory_of(self, reference: int, name: str) -> tuple[int, int] | None:
        """Address and size of a variable that was shown, or of one in scope."""
        if (reference, name) in self._memory:
            return self._memory[reference, name]
        context = self._machine.trace._context(self._machine.context)
        return _memory(context.variable(name))

    def _frame(self, number: int) -> tuple[Context, SourceFrame | None]:
        context = self._machine.trace._context(self._machine.context)
        return self._frames.get(number, (context, None))

    def _hold(self, make: Callable[[], list[dict[str, Any]]]) -> int:
        reference = len(self._holders) + 1
        self._holders[reference] = make
        return reference

    # ------------------------------------------------------------------ values

    def _variables(self, found: list[Variable]) -> list[dict[str, Any]]:
        return [self._variable(one) for one in islice(found, _MOST_PARTS)]

    def _variable(self, one: Variable) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "name": one.name,
            "value": one.text,
            "type": one.type_name,
            "evaluateName": one.name,
            "variablesReference": 0,
        }
        place = _memory(one)
        if place is not None:
            shown["memoryReference"], shown["_size"] = hex(place[0]), place[1]
        try:
            value = None if one.is_optimized_out else one.read()
        except RevenError:
            value = None
        if (parts := _parts(value)) is not None:
            shown["variablesReference"] = self._hold(lambda: self._part_rows(parts))
        return shown

    def _part_rows(self, parts: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        rows = []
        for name, value in parts:
            deeper = _parts(value)
            rows.append(
                {
                    "name": name,
                    "value": str(value)[:200],
                    "variablesReference": 0
                    if deeper is None
                    else self._hold(partial(self._part_rows, deeper)),
                }
            )
        return rows

    def evaluate(self, expression: str, frame: int) -> dict[str, Any]:
        """A variable, a register, memory, or a place."""
        context, of = self._frame(frame)
        name = expression.strip().removeprefix("$")
        try:
            own = next((one for one in of.variables() if one.name == name), None) if of else None
            shown = self._variable(own or context.variable(name, frame=of.frame if of else 0))
            shown.pop("_size", None)
            return {"result": shown.pop("value"), **shown}
        except RevenError:
            pass
        if re.fullmatch(r"\w+", name):
            try:
                value = context.read(Register.from_name(name))
                return {"result": _shown_value(value), "variablesReference": 0}
            except (InvalidArgumentError, RegisterReadError):
                pass
        place = self._machine.trace.resolve(name, context)
        result = f"{place}"
        if place.address is not None:
            result = f"{place.address.offset:#x} {place.location or ''}".rstrip()
            return {"result": result, "variablesReference": 0,
                    "memoryReference": hex(place.address.offset)}  # fmt: skip
        return {"result": result, "variablesReference": 0}

    # ------------------------------------------------------------------ code

    def disassembly(self, address: int, offset: int, count: int) -> list[dict[str, Any]]:
        """So many instructions, from `offset` instructions after an address on."""
        before = -min(offset, 0)
        after = count + max(offset, 0)
        found = self._decoded(address, after)[max(offset, 0) :]
        if before:
            earlier: list[dict[str, Any]] = []
            # Code can only be read forward: begin where that arrives at the address.
            for slack in range(_BEFORE + 1):
                start = address - before * 4 - slack
                rows = self._decoded(max(start, 0), before * 8, address)
                if rows and rows[-1]["_end"] == address:
                    earlier = rows[-before:]
                    break
            missing = [_unknown(address - before + at) for at in range(before - len(earlier))]
            found = [*missing, *earlier, *found][:count]
        found += [_unknown(address + at) for at in range(count - len(found))]
        return [{name: one[name] for name in one if name != "_end"} for one in found[:count]]

    def _decoded(self, address: int, count: int, stop: int | None = None) -> list[dict[str, Any]]:
        service = self._machine.service
        rows: list[dict[str, Any]] = []
        data = self._machine.read_memory(address, min(count * _BEFORE, 1 << 16))
        at = 0
        while at < len(data) and len(rows) < count and (stop is None or address + at < stop):
            size = _length(data[at : at + _BEFORE], address + at)
            code = data[at : at + size]
            text = service.disassemble([(address + at, code)])[0]
            row: dict[str, Any] = {
                "address": hex(address + at),
                "instructionBytes": code.hex(" "),
                "instruction": f"{text.mnemonic} {text.operands}".rstrip(),
                "_end": address + at + size,
            }
            found = service.locate(self._machine.context, address + at)
            if found is not None and found.symbol is not None:
                row["symbol"] = f"{found.symbol.name}+{found.rva - found.symbol.rva:#x}"
            if found is not None and found.file and found.line:
                row["location"] = {"name": PurePath(found.file).name, "path": found.file}
                row["line"] = found.line
            rows.append(row)
            at += size
        return rows


def _length(code: bytes, address: int) -> int:
    """Bytes of the first instruction; 1 where there is none."""
    import capstone

    reader = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    return next((size for _, size, _, _ in reader.disasm_lite(code, address, 1)), 1)


def _unknown(address: int) -> dict[str, Any]:
    return {"address": hex(max(address, 0)), "instruction": "??", "_end": address + 1}


def _frame(key: int, context: Context, frame: SourceFrame) -> dict[str, Any]:
    at_top = frame.frame == next(context.stack.frames())
    shown: dict[str, Any] = {
        "id": key,
        "name": _name(frame),
        "line": 0,
        "column": 0,
        "instructionPointerReference": hex(context._pc() if at_top else frame.frame.pc),
    }
    if frame.file and frame.line:
        shown["line"] = frame.line
        shown["source"] = {"name": PurePath(frame.file).name, "path": frame.file}
    else:
        shown["presentationHint"] = "subtle"
    return shown


def _name(frame: SourceFrame) -> str:
    if frame.is_inlined:
        return f"{frame.function} (inlined)"
    symbol = frame.frame.function
    return str(frame.frame.location or "?") if symbol is None else symbol.name


def _registers(context: Context) -> list[dict[str, Any]]:
    rows = []
    for name in _REGISTERS:
        try:
            value = context.read(Register.from_name(name))
        except RegisterReadError:
            continue
        rows.append({"name": name, "value": _shown_value(value), "variablesReference": 0})
    return rows


def _shown_value(value: object) -> str:
    return hex(value) if isinstance(value, int) else str(value)


def _memory(one: Variable) -> tuple[int, int] | None:
    address = one.address
    if address is None:
        return None
    return address.offset, max(one.type.size(one.context) or 1, 1)


def _parts(value: Any) -> list[tuple[str, Any]] | None:
    """The members of a structure, or the elements of an array; None for other values."""
    if isinstance(value, list | tuple) and value:
        return [(f"[{number}]", one) for number, one in enumerate(islice(value, _MOST_PARTS))]
    fields = getattr(value, "fields", None)
    if callable(fields):
        return None
    if isinstance(value, dict) and value:
        return [(str(name), one) for name, one in islice(value.items(), _MOST_PARTS)]
    return None
