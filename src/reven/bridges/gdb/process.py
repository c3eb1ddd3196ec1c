# SPDX-License-Identifier: Apache-2.0
"""What a debugger wants to know of the process itself: its files in /proc, its auxiliary vector,
its libraries, and the binaries that were mapped."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.sax.saxutils import quoteattr

from reven.bridges.machine import Machine
from reven2._service import MappingData

__all__ = ["Process"]

_PHDR, _PHENT, _PHNUM, _ENTRY = 3, 4, 5, 9  # of the auxiliary vector
_PT_DYNAMIC, _PT_PHDR, _DT_DEBUG = 2, 6, 21
_MOST_WORDS = 1 << 17
_MOST_LIBRARIES = 4096
_MOST_DYNAMIC = 512
_PART = 1 << 20


class Process:
    """The recorded process, at the moment that a machine is at."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self._service = machine, machine.service
        processes = self._service.processes()
        self.name = processes[0].name if processes else machine.server.scenario_name
        self.pid = processes[0].pid if processes else 1
        self._parent = (processes[0].ppid if processes else None) or 0
        self._files: dict[str, bytes] = {}
        self._start: tuple[list[bytes], bytes] | None = None

    # ------------------------------------------------------------------ files

    def file(self, path: str) -> bytes | None:
        """A file as the process saw it: of /proc/PID what the trace tells, else the trace's own
        copy of a binary. None if there is none: this machine's files are never opened."""
        for folder in (f"/proc/{self.pid}/", "/proc/self/", f"/proc/{self.pid}/task/{self.pid}/"):
            if path.startswith(folder) and "/" not in path[len(folder) :]:
                return self._proc(path[len(folder) :])
        stored = self._stored_path(path)
        if stored is None:
            return None
        if stored not in self._files:
            self._files = {stored: b"".join(self._parts(stored))}
        return self._files[stored]

    def link(self, path: str) -> str | None:
        """Where a symbolic link of /proc leads."""
        return self.executable() if path in (f"/proc/{self.pid}/exe", "/proc/self/exe") else None

    def executable(self) -> str:
        """Path of the program."""
        mappings = [one for one in self._service.mappings(0, 0) if one.path.startswith("/")]
        entry = self._auxiliary().get(_ENTRY)
        for one in mappings:
            if entry is not None and one.start <= entry < one.stop:
                return one.path
        code = [one for one in mappings if one.protection & 4]
        return code[0].path if code else ""

    def _parts(self, stored: str) -> Iterator[bytes]:
        offset = 0
        while part := self._service.binary_bytes(stored, offset, _PART):
            yield part
            offset += len(part)

    def _stored_path(self, path: str) -> str | None:
        """The path that the trace knows a file by: a loader may know it by a link's."""
        known = {
            one.path
            for one in self._service.mappings(0, self._machine.count)
            if one.path.startswith("/")
        }
        named = [one for one in known if PurePosixPath(one).name == PurePosixPath(path).name]
        longer = [one for one in named if one.endswith(path)]
        found = [path] if path in known else longer or named
        if len(found) != 1 or self._service.binary_bytes(found[0], 0, 0) is None:
            return None
        return found[0]

    def _proc(self, name: str) -> bytes | None:
        if name == "maps":
            return "".join(map(_maps_line, self.mappings())).encode()
        if name == "cmdline":
            return b"".join(one + b"\0" for one in self._at_start()[0])
        if name == "comm":
            return self.name.encode() + b"\n"
        if name == "auxv":
            return self.auxiliary_vector()
        if name == "stat":
            return f"{self.pid} ({self.name}) t {self._parent} 0 0 0 -1 0".encode() + b" 0" * 43
        if name == "status":
            return (
                f"Name:\t{self.name}\nState:\tt (tracing stop)\nTgid:\t{self.pid}\n"
                f"Pid:\t{self.pid}\nPPid:\t{self._parent}\n"
                f"Threads:\t{len(self._machine.threads())}\n"
            ).encode()
        return None

    # ------------------------------------------------------------------ memory

    def mappings(self) -> list[MappingData]:
        """What is mapped at the moment, ascending."""
        return self._service.mappings(self._machine.context, self._machine.context)

    def memory_map(self) -> str:
        """For qXfer:memory-map:read: whatever is mapped at one moment or another, for gdb asks
        once and then refuses what lies outside."""
        ranges: list[list[int]] = []
        for one in self._service.mappings(0, self._machine.count):
            if ranges and one.start <= ranges[-1][1]:
                ranges[-1][1] = max(ranges[-1][1], one.stop)
            else:
                ranges.append([one.start, one.stop])
        body = "".join(
            f'<memory type="ram" start="{low:#x}" length="{high - low:#x}"/>\n'
            for low, high in ranges
        )
        return (
            '<?xml version="1.0"?>\n<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory '
            'Map V1.0//EN" "http://sourceware.org/gdb/gdb-memory-map.dtd">\n'
            f"<memory-map>\n{body}</memory-map>\n"
        )

    def auxiliary_vector(self) -> bytes:
        """The bytes of the auxiliary vector; none if the trace does not hold the program's
        beginning."""
        return self._at_start()[1]

    def _auxiliary(self) -> dict[int, int]:
        words = struct.iter_unpack("<QQ", self.auxiliary_vector())
        return {int(kind): int(value) for kind, value in words}

    def _at_start(self) -> tuple[list[bytes], bytes]:
        """Arguments, and auxiliary vector: on the stack when the program begins (System V ABI
        AMD64 supplement, "Initial Stack and Register State")."""
        if self._start is None:
            self._start = self._read_start()
        return self._start

    def _read_start(self) -> tuple[list[bytes], bytes]:
        view = self._service.registers([0]).view
        stack = int.from_bytes(view[32:40], "little")
        words = self._words(0, stack)
        count = next(words, None)
        if count is None or count > _MOST_WORDS:
            return [], b""
        arguments = [next(words, 0) for _ in range(count)]
        if next(words, None) != 0:
            return [], b""
        for word in words:
            if word == 0:
                break
        vector = bytearray()
        for kind in words:
            value = next(words, None)
            if value is None or len(vector) > 4096:
                return [], b""
            vector += struct.pack("<QQ", kind, value)
            if kind == 0:
                return [self._text(0, one) for one in arguments], bytes(vector)
        return [], b""

    def _words(self, context: int, address: int) -> Iterator[int]:
        for _ in range(_MOST_WORDS // 512):
            data, known = self._service.read_known_memory(context, address, 4096)
            for at in range(0, 4096, 8):
                if 0 in known[at : at + 8]:
                    return
                yield int.from_bytes(data[at : at + 8], "little")
            address += 4096

    def _text(self, context: int, address: int, limit: int = 4096) -> bytes:
        data, known = self._service.read_known_memory(context, address, limit)
        end = known.find(0)
        return data[: limit if end < 0 else end].partition(b"\0")[0]

    # ------------------------------------------------------------------ libraries

    def libraries(self) -> str:
        """For qXfer:libraries-svr4:read: the loader's own list, as it stands in memory at the
        moment (struct r_debug and struct link_map of <link.h>)."""
        head = self._first_link_map()
        rows = []
        address, seen = head, set[int]()
        while address and address not in seen and len(seen) < _MOST_LIBRARIES:
            seen.add(address)
            fields = self._here(address, 5)
            if fields is None:
                break
            base, name_at, dynamic, following, _ = fields
            name = self._text(self._machine.context, name_at).decode(errors="replace")
            # The first is the program itself, which has no name there.
            if name:
                rows.append(
                    f"<library name={quoteattr(_printable(name))} lm={quoteattr(hex(address))} "
                    f'l_addr="{base:#x}" l_ld="{dynamic:#x}" lmid="0x0"/>'
                )
            address = following
        main = f' main-lm="{head:#x}"' if head else ""
        return f'<library-list-svr4 version="1.0"{main}>' + "".join(rows) + "</library-list-svr4>"

    def _first_link_map(self) -> int:
        dynamic = self._dynamic_section()
        for at in range(_MOST_DYNAMIC if dynamic else 0):
            entry = self._here(dynamic + 16 * at, 2)
            if entry is None or entry[0] == 0:
                break
            if entry[0] == _DT_DEBUG:
                found = self._here(entry[1], 2) if entry[1] else None
                return found[1] if found else 0
        return 0

    def _dynamic_section(self) -> int:
        known = self._auxiliary()
        headers, base, dynamic = known.get(_PHDR, 0), 0, 0
        for number in range(min(known.get(_PHNUM, 0), 64) if headers else 0):
            header = self._here(headers + number * known.get(_PHENT, 56), 3)
            if header is None:
                return 0
            kind = header[0] & 0xFFFFFFFF
            if kind == _PT_PHDR:
                base = headers - header[2]
            elif kind == _PT_DYNAMIC:
                dynamic = header[2]
        return base + dynamic if dynamic else 0

    def _here(self, address: int, count: int) -> tuple[int, ...] | None:
        if address + 8 * count > 1 << 64:
            return None
        data = self._machine.read_memory(address, 8 * count)
        return struct.unpack(f"<{count}Q", data) if len(data) == 8 * count else None


def _maps_line(one: MappingData) -> str:
    rights = "".join(
        letter if one.protection & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4))
    )
    place = f"{one.start:08x}-{one.stop:08x} {rights}p {one.offset:08x} 00:00 0"
    return f"{place:<73}{_printable(one.path)}\n" if one.path else f"{place}\n"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
