# SPDX-License-Identifier: Apache-2.0
"""What a value's origin is called: a byte of a file, an argument, the time …"""

from __future__ import annotations

import os
from typing import NamedTuple

from reven import _engine
from reven.ossi import syscall_name
from reven.syscalls.descriptors import Transfer
from reven.syscalls.queries import SyscallQueries
from reven.trace.opened import translated
from reven2._service.taint import OriginHop, SourceData, SourceKind
from reven2.arch.register import Register

__all__ = ["SourceQueries"]

_RANDOM, _TIME = (
    frozenset({"getrandom"}),
    frozenset(
        {"time", "gettimeofday", "clock_gettime", "times", "clock_getres", "nanosleep", "getitimer"}
    ),
)
_ADDRESSES = frozenset({"brk", "mmap", "mremap", "shmat", "arch_prctl", "set_tid_address"})
_OF_THE_LOADER = frozenset({"/etc/ld.so.cache", "/etc/ld.so.preload"})
_RANDOM_DEVICES = frozenset({"/dev/random", "/dev/urandom", "/dev/hwrng"})
_AT_RANDOM, _AT_EXECFN = 25, 31
_MOST_WORDS = 4096


class _Text(NamedTuple):
    """A text that the kernel put onto the stack for the program."""

    start: int
    stop: int
    kind: SourceKind
    name: str


class SourceQueries(SyscallQueries):
    """Names the sources that chains of `OriginHop`s end in."""

    def source_of(self, hop: OriginHop) -> SourceData:
        """What the last hop of a chain ends in."""
        is_memory, address, size = hop.after
        at = hop.transition
        if not is_memory:
            size = (size + 7) // 8
        match hop.kind:
            case "constant":
                assert at is not None
                value = self._value_after(hop)
                shown = "" if value is None else f" {value:#x}"
                return SourceData("constant", f"constant{shown}", None, at, size, value)
            case "processor":
                return self._made_by_processor(at, size)
            case "syscall input" | "syscall result":
                assert at is not None
                return self._from_call(at, hop)
            case "mapping" | "start" | "other mapping":
                return self._from_mapping(hop, size)
            case "outside":
                found = self._mapped_at(address, (at or 0) + 1)
                if found is not None and found.path == "[vvar]":
                    return SourceData("time", "the time (the kernel's clock page)", None, at, size)
                return SourceData("process", "another process or the kernel", None, at, size)
            case "signal":
                return SourceData("system call", "the frame of a signal", None, at, size)
        return SourceData("unknown", hop.kind, None, at, size)

    def _value_after(self, hop: OriginHop) -> int | None:
        return None if hop.transition is None else self.value_at(hop.transition + 1, hop.after)

    def value_at(self, context: int, place: tuple[bool, int, int]) -> int | None:
        """The number in a place, None if it is not known."""
        is_memory, address, size = place
        if is_memory:
            data = self._known_bytes(context, address, min(size, 16))
            return None if data is None else int.from_bytes(data, "little")
        if address + size > 8 * len(self.registers([context]).view):
            return None
        bits = int.from_bytes(self.registers([context]).view, "little")
        return bits >> address & (1 << size) - 1

    def _made_by_processor(self, at: int | None, size: int) -> SourceData:
        assert at is not None
        with translated():
            columns = self._trace().transitions(at, at + 1)
        code = bytes(columns.code[0][: columns.size[0]])
        name = self.disassemble([(0, code)])[0].mnemonic if code else ""
        if name.startswith("rdtsc"):
            return SourceData("time", f"the time ({name})", None, at, size)
        if name in ("rdrand", "rdseed"):
            return SourceData("random", f"the processor's random numbers ({name})", None, at, size)
        return SourceData("processor", f"the processor ({name})", None, at, size)

    def _from_call(self, at: int, hop: OriginHop) -> SourceData:
        is_memory, address, size = hop.after
        calls = self._trace().syscalls(at, at + 1, 1)
        if not calls:
            return SourceData("system call", "the kernel", None, at, size)
        name = syscall_name(calls[0].number) or f"system call {calls[0].number}"
        if not is_memory:
            kind: SourceKind = "address" if name in _ADDRESSES else "system call"
            if name in _TIME:
                kind = "time"
            return SourceData(kind, f"the result of {name}", None, at, (size + 7) // 8)
        if name in _TIME:
            return SourceData("time", f"the time ({name})", None, at, size)
        if name in _RANDOM:
            return SourceData("random", f"random bytes ({name})", None, at, size)
        moved = self._transfer_at(at)
        if moved is not None and not moved.is_write:
            file = self._descriptors().files[moved.file]
            position = moved.position_of(address)
            kind = "static data" if self._is_loaded(file.name) else "file"
            if file.name in _RANDOM_DEVICES:
                kind = "random"
            elif file.kind in ("pipe", "socket", "device"):
                kind = file.kind
            elif file.kind == "inherited":
                kind = "standard input" if file.name == "standard input" else "file"
            return SourceData(kind, file.name, position, at, size)
        used = self._descriptors().arguments.get(at)
        of = f" of {used.name}" if used is not None else ""
        return SourceData("system call", f"{name}{of}", None, at, size)

    def _from_mapping(self, hop: OriginHop, size: int) -> SourceData:
        is_memory, address, _ = hop.after
        if not is_memory:
            if address // 64 == Register.from_name("rsp").fields[0].offset // 8:
                return SourceData("address", "the stack pointer", None, None, size)
            return SourceData("start", "a register as the trace began", None, None, size)
        context = 0 if hop.transition is None else hop.transition + 1
        text = self._text_of_start(address)
        if text is not None:
            return SourceData(text.kind, text.name, address - text.start, None, size)
        mapping = self._mapped_at(address, context)
        load = self._ossi().space.load_at(address, context)
        if load is not None and (mapping is None or not mapping.path.startswith("/")):
            name = f"{load.binary.path} (data without contents in the file)"
            return SourceData("static data", name, None, hop.transition, size)
        if mapping is None:
            return SourceData("start", "memory as the trace began", None, hop.transition, size)
        if mapping.path == "[stack]":
            return SourceData("uninitialised", "stack never written", None, hop.transition, size)
        if mapping.path == "[vvar]":
            return SourceData(
                "time", "the time (the kernel's clock page)", None, hop.transition, size
            )
        if not mapping.path.startswith("/"):
            if mapping.path in ("", "[heap]"):
                name = f"memory never written ({mapping.path or 'anonymous mapping'})"
                return SourceData("uninitialised", name, None, hop.transition, size)
            return SourceData("start", mapping.path, None, hop.transition, size)
        offset = address - mapping.address + mapping.file_offset
        kind: SourceKind = "file" if load is None else "static data"
        return SourceData(kind, mapping.path, offset, hop.transition, size)

    def text_of_start(self, address: int) -> tuple[str, int] | None:
        """The name of an argument or another text that the program was started with, and the
        offset in it of an address; None: there is none."""
        text = self._text_of_start(address)
        return None if text is None else (text.name, address - text.start)

    def _text_of_start(self, address: int) -> _Text | None:
        texts = self._kept("initial stack", lambda: list(self._initial_stack()))
        return next((one for one in texts if one.start <= address < one.stop), None)

    def _is_loaded(self, path: str) -> bool:
        """Whether a file is a binary of the program, which its loader reads."""
        paths = self._kept(
            "loaded paths", lambda: {load.binary.path for load in self._ossi().space.loads()}
        )
        return path in paths or path in _OF_THE_LOADER

    def _mapped_at(self, address: int, context: int) -> _engine.Mapping | None:
        found = None
        for mapping in self._trace().mappings():
            inside = mapping.address <= address < mapping.address + mapping.size
            if inside and mapping.first_context <= context <= mapping.last_context:
                found = mapping
        return found

    def _initial_stack(self) -> list[_Text]:
        """Arguments, environment and random bytes as the kernel leaves them where the stack
        begins (System V ABI, AMD64 supplement, 3.4.1); [] if the trace begins later."""
        at = Register.from_name("rsp").bits(self.registers([0]).view) & (1 << 64) - 1
        count = self._word(at)
        if count is None or count > _MOST_WORDS or self._word(at + 8 * (count + 1)) != 0:
            return []
        found = [_Text(at, at + 8, "argument", "argc, the number of arguments")]
        for number in range(count):
            found += self._text_at(self._word(at + 8 * (number + 1)), "argument", f"argv[{number}]")
        at += 8 * (count + 2)
        word: int | None
        for _ in range(_MOST_WORDS):
            word = self._word(at)
            at += 8
            if not word:
                break
            for text in self._text_at(word, "environment", ""):
                data = self._known_bytes(0, text.start, text.stop - text.start) or b""
                name = os.fsdecode(data.split(b"=")[0])
                value = text.start + len(name) + 1
                found.append(_Text(value, text.stop, "environment", f"environment {name}"))
                found.append(_Text(text.start, value, "environment", "environment"))
        for _ in range(64):
            tag, entry = self._word(at), self._word(at + 8)
            at += 16
            if not tag or entry is None:
                break
            if tag == _AT_RANDOM:
                found.append(_Text(entry, entry + 16, "random", "random bytes (AT_RANDOM)"))
            elif tag == _AT_EXECFN:
                found += self._text_at(entry, "argument", "the name of the executable")
        return found

    def _text_at(self, address: int | None, kind: SourceKind, name: str) -> list[_Text]:
        if not address:
            return []
        size = 0
        for part in (64, 1024, 1 << 17):
            data, known = self.read_known_memory(0, address, part)
            size = data.find(0)
            if size >= 0:
                return [_Text(address, address + size + 1, kind, name)]
            if not all(known):
                break
        return []

    def _word(self, address: int) -> int | None:
        data = self._known_bytes(0, address, 8)
        return None if data is None else int.from_bytes(data, "little")

    def _transfer_at(self, transition: int) -> Transfer | None:
        by_transition = self._kept(
            "transfers by transition",
            lambda: {one.transition: one for one in self._descriptors().transfers},
        )
        return by_transition.get(transition)
