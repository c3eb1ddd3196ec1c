# SPDX-License-Identifier: Apache-2.0
"""What tainted data ends in is called: a byte of a file, an argument of a program, a branch …"""

from __future__ import annotations

from collections.abc import Callable

from reven import _engine
from reven.ossi.linux.system_calls import system_call
from reven.taint.sources import SourceQueries
from reven2._service.code_places import CodePlace
from reven2._service.taint import SinkData, SinkKind
from reven2.arch.register import Register

__all__ = ["SinkNames"]

_ARGUMENTS = [
    Register.from_name(name).fields[0].offset for name in ("rdi", "rsi", "rdx", "r10", "r8", "r9")
]
_EXITS = frozenset({"exit", "exit_group"})
_LISTS = {
    "execve": ((1, "argv"), (2, "environment")),
    "execveat": ((2, "argv"), (3, "environment")),
}
_MOST_TEXTS = 4096
_STANDARD: dict[str, SinkKind] = {
    "standard output": "standard output",
    "standard error": "standard error",
}
_DECISIONS: dict[int, tuple[SinkKind, str]] = {
    _engine.TAINT_SINK_BRANCH: ("branch", "the condition of a branch"),
    _engine.TAINT_SINK_JUMP: ("jump", "where a jump, a call or a return goes"),
    _engine.TAINT_SINK_LOAD_ADDRESS: ("address", "the address of a load"),
    _engine.TAINT_SINK_STORE_ADDRESS: ("address", "the address of a store"),
}


class SinkNames:
    """Names the sinks of one trace. `place`: where the instruction of a transition stands."""

    def __init__(self, queries: SourceQueries, place: Callable[[int], CodePlace]) -> None:
        self._queries, self._place = queries, place

    def name(self, sink: _engine.TaintSink) -> SinkData | None:
        """None if it is none after all: a register that the call does not take an argument from,
        bytes that it was given and did not write."""
        if sink.kind in _DECISIONS:
            kind, text = _DECISIONS[sink.kind]
            return self._made(sink, kind, text, None, sink.size)
        calls = self._queries._trace().syscalls(sink.transition, sink.transition + 1, 1)
        if not calls:
            return self._made(sink, "system call", "the kernel", None, sink.size)
        if sink.kind == _engine.TAINT_SINK_ARGUMENT:
            return self._argument(sink, calls[0])
        return self._read(sink, calls[0])

    def _made(
        self,
        sink: _engine.TaintSink,
        kind: SinkKind,
        name: str,
        offset: int | None,
        size: int,
    ) -> SinkData:
        place = self._place(sink.transition)
        return SinkData(kind, name, offset, sink.transition, size, sink.tags, sink.count, place)

    def _argument(self, sink: _engine.TaintSink, call: _engine.Syscall) -> SinkData | None:
        known = system_call(call.number)
        number = _ARGUMENTS.index(sink.address)
        if known is None:
            text = f"argument {number + 1} of system call {call.number}"
            return self._made(sink, "argument", text, None, 8)
        if number >= len(known.arguments):
            return None
        if known.name in _EXITS:
            return self._made(sink, "exit status", "the exit status", None, 1)
        text = f"{known.arguments[number].name} of {known.name}"
        return self._made(sink, "argument", text, None, 8)

    def _read(self, sink: _engine.TaintSink, call: _engine.Syscall) -> SinkData | None:
        moved = self._queries._transfer_at(sink.transition)
        if moved is not None and moved.is_write:
            for start, size in moved.parts:
                if not start <= sink.address < start + size:
                    continue
                file = self._queries._descriptors().files[moved.file]
                kind: SinkKind = "file"
                if file.kind in ("pipe", "socket", "device"):
                    kind = file.kind
                elif file.kind == "inherited":
                    kind = _STANDARD.get(file.name, "file")
                offset = moved.position_of(sink.address)
                count = min(sink.size, start + size - sink.address)
                return self._made(sink, kind, file.name, offset, count)
        known = system_call(call.number)
        if known is None:
            return self._made(
                sink, "system call", f"memory of system call {call.number}", None, sink.size
            )
        for number, name in _LISTS.get(known.name, ()):
            for index, text in enumerate(self._texts(call, number)):
                if text[0] <= sink.address < text[1]:
                    label = f"{name}[{index}] of {known.name}"
                    return self._made(sink, "program", label, sink.address - text[0], sink.size)
        pointers = [
            (call.arguments[number], argument.name)
            for number, argument in enumerate(known.arguments)
            if argument.access or argument.type in ("path", "string")
        ]
        before = [one for one in pointers if one[0] <= sink.address]
        if known.name in _LISTS and before and max(before)[1] in ("pathname", "path", "filename"):
            start, _ = max(before)
            label = f"the path of {known.name}"
            return self._made(sink, "program", label, sink.address - start, sink.size)
        if not before:
            return self._made(sink, "system call", f"memory of {known.name}", None, sink.size)
        start, argument_name = max(before)
        is_bytes = moved is not None and moved.is_write and sink.address - start >= moved.size
        if is_bytes and argument_name == "buf":
            return None
        label = f"{argument_name} of {known.name}"
        return self._made(sink, "system call", label, sink.address - start, sink.size)

    def _texts(self, call: _engine.Syscall, number: int) -> list[tuple[int, int]]:
        """Where the texts of a list of pointers lie."""
        found = []
        at = call.arguments[number]
        for index in range(_MOST_TEXTS):
            word = self._queries._known_bytes(call.transition, at + 8 * index, 8) if at else None
            start = int.from_bytes(word or b"", "little")
            if not start:
                break
            data, _ = self._queries.read_known_memory(call.transition, start, 1 << 12)
            size = data.find(0)
            found.append((start, start + (size + 1 if size >= 0 else len(data))))
        return found
