# SPDX-License-Identifier: Apache-2.0
"""Write the state at a moment as an ELF core file, as Linux would have on a crash there.

Source of the format: System V ABI, "Object Files"; Linux's `struct elf_prstatus`, `elf_prpsinfo`
and `user_fpregs_struct` of <sys/procfs.h> and <sys/user.h>; core(5) on NT_FILE.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from reven import _engine
from reven.bridges.gdb.process import Process
from reven.bridges.machine import Machine
from reven.formats.protocol import CannotExport, Export, Exporter, Progress
from reven2._client.server import OpenTrace
from reven2._service import MappingData
from reven2.arch.register import Register

_REGISTERS = (
    *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx"),
    *("rsi", "rdi", "orig_rax", "rip", "cs", "rflags", "rsp", "ss", "fs_base", "gs_base"),
    *("ds", "es", "fs", "gs"),
)
_PAGE = 4096
_PIECE = 1 << 20
_LARGEST_MAPPING = 1 << 30
_MOST_MAPPINGS = 0xFFFE
"""Program headers that are counted in 16 bits, but for the one of the notes and PN_XNUM."""
_LOST = [
    "other moments",
    "the upper halves of ymm registers",
    "which bytes were never recorded (they are 0)",
    "what mappings of more than 1 GiB hold",
]
_NT_PRSTATUS, _NT_FPREGSET, _NT_PRPSINFO, _NT_AUXV, _NT_FILE = 1, 2, 3, 6, 0x46494C45
_PT_LOAD, _PT_NOTE = 1, 4
_SELF, _THREAD_ID = 0x10, 0x2D0  # in struct pthread of glibc on x86-64


class CoreExport:
    """The core file of one context."""

    def __init__(self, server: OpenTrace, context: int, to: IO[bytes]) -> None:
        self._machine = Machine(server, context)
        self._process = Process(self._machine)
        self._to = to

    @property
    def lost(self) -> list[str]:
        return _LOST

    def run(self, progress: Progress) -> int:
        mappings = self._process.mappings()
        if len(mappings) > _MOST_MAPPINGS:
            raise CannotExport(
                f"{len(mappings):,} mappings are more than Linux allows and a core file has room "
                f"for ({_MOST_MAPPINGS:,})."
            )
        notes = self._notes(mappings)
        headers = 64 + 56 * (len(mappings) + 1)
        at = -(-(headers + len(notes)) // _PAGE) * _PAGE
        self._to.write(_elf_header(len(mappings) + 1))
        self._to.write(_program_header(_PT_NOTE, 4, headers, 0, len(notes), 0))
        places = []
        for one in mappings:
            size = one.stop - one.start
            held = size if size <= _LARGEST_MAPPING else 0
            flags = (one.protection & 1) << 2 | one.protection & 2 | (one.protection & 4) >> 2
            self._to.write(_program_header(_PT_LOAD, flags, at, one.start, held, size))
            places.append((at, one.start, held))
            at += held
        self._to.write(notes)
        total, done = sum(held for _, _, held in places), 0
        for offset, start, held in places:
            for low in range(0, held, _PIECE):
                if not progress(done, max(total, 1)):
                    raise CannotExport("The export was stopped.")
                size = min(_PIECE, held - low)
                service, context = self._machine.service, self._machine.context
                data, known = service.read_known_memory(context, start + low, size)
                # What is unknown takes no room: the file is sparse there.
                if known.count(1):
                    self._to.seek(offset + low)
                    self._to.write(data)
                done += size
        self._to.truncate(at)
        progress(max(total, 1), max(total, 1))
        return 1

    def _notes(self, mappings: Sequence[MappingData]) -> bytes:
        machine, process = self._machine, self._process
        name = process.name.encode(errors="replace")
        command = b" ".join((process.file(f"/proc/{process.pid}/cmdline") or name).split(b"\0"))
        info = struct.pack("<4B4xQ2I4i16s80s", 0, ord("R"), 0, 0, 0, 0, 0, process.pid, 0,
                           process.pid, process.pid, name[:15], command[:79])  # fmt: skip
        running = machine.thread
        others = [one for one in machine.threads() if one != running]
        notes = []
        for thread in (running, *others):
            view = machine.view(thread)
            if view is None:
                continue
            # As the kernel does, in the status of every thread: readers take the last.
            signal = machine.signal_at(machine.context)
            notes.append(_note(_NT_PRSTATUS, self._status(view, thread, signal)))
            if thread == running:
                notes.append(_note(_NT_PRPSINFO, info))
                notes.append(_note(_NT_AUXV, process.auxiliary_vector()))
                notes.append(_note(_NT_FILE, _files(mappings)))
            notes.append(_note(_NT_FPREGSET, _floating(view)))
        return b"".join(notes)

    def _status(self, view: bytes, thread: int, signal: int) -> bytes:
        number = self._kernel_thread(view, thread)
        head = struct.pack("<3ihxxQQ4i8Q", signal, 0, 0, signal, 0, 0, number, 0,
                           self._process.pid, self._process.pid, *[0] * 8)  # fmt: skip
        values = [
            (1 << 64) - 1 if name == "orig_rax" else _value(view, name) for name in _REGISTERS
        ]
        return head + struct.pack("<27Qi4x", *values, 1)

    def _kernel_thread(self, view: bytes, thread: int) -> int:
        """The kernel's number of a thread, as the C library keeps it, for debuggers compare; where
        it does not, one that no other thread has."""
        descriptor = _value(view, "fs_base")
        pointer = self._machine.read_memory(descriptor + _SELF, 8)
        if int.from_bytes(pointer, "little") == descriptor:
            number = int.from_bytes(
                self._machine.read_memory(descriptor + _THREAD_ID, 4), "little", signed=True
            )
            if number > 0:
                return number
        return self._process.pid + thread - 1


class CoreExporter:
    """ELF core files."""

    title = "core file"
    suffixes = (".core",)

    def export(self, trace: Path, start: int, stop: int | None, to: IO[bytes]) -> Export:
        import reven2

        count = _engine.Trace(trace).transition_count
        if start:
            raise CannotExport("A core file holds one moment: say which with --until alone.")
        if stop is not None and not 0 <= stop <= count:
            raise CannotExport(f"The trace has no transition {stop}: it has {count}, from 0.")
        server = reven2.open(trace)
        if server.trace._info.kind != "program":
            raise CannotExport("The trace of a machine has no process to write a core file of.")
        end = server.trace.end
        signal = None if end is None else end.transition
        last = count if signal is None else signal.id
        context = last if stop is None else stop
        return CoreExport(server, context, to)


EXPORTER: Exporter = CoreExporter()


def _value(view: bytes, name: str) -> int:
    return Register.from_name(name).bits(view) & (1 << 64) - 1


def _floating(view: bytes) -> bytes:
    """As FXSAVE writes it (Intel SDM volume 1, 10.5.1)."""
    tags = _value(view, "ftw")
    valid = sum((tags >> 2 * i & 3 != 3) << i for i in range(8))
    head = struct.pack("<4H2Q2I", _value(view, "fcw"), _value(view, "fsw"), valid, 0, 0, 0,
                       _value(view, "mxcsr"), 0xFFFF)  # fmt: skip
    stack = b"".join(
        Register.from_name(f"st{i}").raw_value(view).ljust(16, b"\0") for i in range(8)
    )
    vectors = b"".join(Register.from_name(f"xmm{i}").raw_value(view) for i in range(16))
    return (head + stack + vectors).ljust(512, b"\0")


def _files(mappings: Sequence[MappingData]) -> bytes:
    files = [one for one in mappings if one.path.startswith("/")]
    rows = b"".join(struct.pack("<3Q", one.start, one.stop, one.offset // _PAGE) for one in files)
    names = b"".join(one.path.encode(errors="surrogateescape") + b"\0" for one in files)
    return struct.pack("<2Q", len(files), _PAGE) + rows + names


def _note(kind: int, data: bytes) -> bytes:
    padded = data.ljust(-(-len(data) // 4) * 4, b"\0")
    return struct.pack("<3I", 5, len(data), kind) + b"CORE\0\0\0\0" + padded


def _elf_header(count: int) -> bytes:
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return identity + struct.pack("<2HI3QI6H", 4, 62, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)


def _program_header(
    kind: int, flags: int, offset: int, address: int, held: int, size: int
) -> bytes:
    alignment = 1 if kind == _PT_NOTE else _PAGE
    return struct.pack("<2I6Q", kind, flags, offset, address, 0, held, size, alignment)
