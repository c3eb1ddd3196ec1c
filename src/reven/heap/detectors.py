# SPDX-License-Identifier: Apache-2.0
"""`HeapService.heap_errors`: what a program does wrong with memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from reven import _engine
from reven.calls.queries import CallQueries
from reven.heap.blocks import BadFree
from reven.heap.queries import HeapQueries
from reven.heap.tables import FREED, OUTSIDE, Found, HeapTables, has_earlier_heap
from reven.trace.disassembly import disassemble
from reven.trace.opened import translated
from reven.trace.stopping import keep_going
from reven2._service.heap import HeapErrorData, HeapErrorKind
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

__all__ = ["HeapErrorQueries"]

_C_LIBRARY = re.compile(r"^(libc|ld|libpthread|ld-linux[\w-]*|ld-musl[\w-]*)[-.][\w.-]*$")
_ALLOCATOR = "^malloc$"
_START_NAMES = frozenset({"_start", "_dl_start_user", "clone", "clone3", "__clone3"})

UNINITIALIZED_REACH = 500_000
"""So many transitions on, an uninitialized value is followed to a branch."""
_TAINTED_KEPT = 4096
_VECTOR_MASKS = frozenset({"pmovmskb", "vpmovmskb", "kortestd", "kmovd", "vptest", "ptest"})
_SCAN = 32
"""So many transitions after one of these, a jump of the C library is one of a string function."""

_Seed = tuple[int, bool, int, int]


class HeapErrorQueries(CallQueries, HeapQueries):
    """See `reven2._service.heap`."""

    def heap_errors(self, kind: HeapErrorKind, *, limit: int) -> list[HeapErrorData]:
        match kind:
            case "overflow":
                found = self._access_errors(OUTSIDE, "overflow")
            case "use-after-free":
                found = self._access_errors(FREED, "use-after-free")
            case "double-free":
                found = self._kept("bad frees", lambda: list(self._bad_frees()))
            case "uninitialized":
                found = self._kept("uninitialized", lambda: list(self._uninitialized()))
            case _:
                raise InvalidArgumentError(f"{kind!r} is no kind of error that is looked for.")
        return found[:limit]

    def _access_errors(self, found_kind: int, kind: HeapErrorKind) -> list[HeapErrorData]:
        found = self._kept("heap errors", lambda: self._check(find_unwritten=False))
        return [_error(kind, one) for one in found if one.kind == found_kind]

    def _check(self, *, find_unwritten: bool) -> list[Found]:
        library = self._library_code()
        with translated():
            found = HeapTables(self._heap()).check(
                self._trace(),
                library_code=library,
                find_unwritten=find_unwritten,
                progress=keep_going,
            )
        return [
            one
            for one in found
            if not _lies_in(one.pc, library) or self._is_for_the_program(one.transition, library)
        ]

    def _bad_frees(self) -> Iterator[HeapErrorData]:
        library = self._library_code()
        for bad in self._heap().bad_frees:
            if self._is_mistake(bad, library):
                call = bad.call
                yield HeapErrorData(
                    kind="double-free",
                    transition=call.enter,
                    thread=call.thread,
                    pc=call.return_address,
                    address=bad.address,
                    size=0,
                    is_write=False,
                    allocation=None if bad.block is None else bad.block.id,
                    count=1,
                    branch=None,
                )

    def _is_mistake(self, bad: BadFree, library: list[tuple[int, int]]) -> bool:
        if bad.block is None:
            # It may have been allocated before the trace began, or by the dynamic loader.
            heap = self._heap()
            mapping = heap.at(bad.address, bad.call.enter, was_freed=False)
            if mapping is not None or has_earlier_heap(self._trace()):
                return False
        return not _lies_in(bad.call.return_address, library) or self._is_for_the_program(
            bad.call.enter, library
        )

    def _uninitialized(self) -> Iterator[HeapErrorData]:
        """Reads of bytes never written, of which the value reaches a conditional branch; one
        of each instruction."""
        seen: set[int] = set()
        for one in self._check(find_unwritten=True):
            if one.pc in seen:
                continue
            branch = self._branch_reached(one)
            if branch is not None:
                seen.add(one.pc)
                yield _error("uninitialized", one, branch)

    def _branch_reached(self, read: Found) -> int | None:
        """The first conditional jump that what was read decides."""
        last = min(read.transition + UNINITIALIZED_REACH, self.transition_count())
        first, seeds = self._seeds(read)
        library, scanned = self._library_code(), -_SCAN
        for transition in self._taint(first, last, seeds).transition.tolist():
            mnemonic = self._mnemonic(transition)
            if mnemonic in _VECTOR_MASKS:
                scanned = transition
            if not mnemonic.startswith("j") or mnemonic == "jmp":
                continue
            if transition == read.transition + 1 and self._is_certain(read, mnemonic):
                continue
            # String functions look at more than they need, and the allocator may look at
            # what a freed block holds.
            if transition - scanned < _SCAN and _lies_in(self._pc(transition), library):
                continue
            if not self._heap().is_inside(read.thread, transition):
                return int(transition)
        return None

    def _seeds(self, read: Found) -> tuple[int, list[_Seed]]:
        """What follows the value of a read: a context, and what holds the value there."""
        memory = [
            (0, True, read.address + byte, 1)
            for byte in range(min(read.size, 64))
            if read.missing >> byte & 1
        ]
        first = read.transition
        writes = self.accesses(
            first,
            first + 1,
            read.address,
            read.size,
            reads=False,
            writes=True,
            forward=True,
            limit=1,
        )
        if writes.transition:
            return first, memory
        # Other reads of the same memory are a matter of their own.
        items = self._taint(first, first + 1, memory).items
        found = zip(items.is_memory, items.address, items.size, items.after, strict=True)
        held: list[_Seed] = [
            (0, bool(is_memory), int(address), int(size))
            for is_memory, address, size, after in found
            if after and not (is_memory and read.address <= address < read.address + read.size)
        ]
        return (first + 1, held) if held else (first, memory)

    def _taint(self, first: int, last: int, seeds: list[_Seed]) -> _engine.TaintAccesses:
        with translated():
            taint = _engine.Taint(self._trace(), seeds, 1, first, last, True)
            taint.run(keep_going)
            return taint.accesses(first, _TAINTED_KEPT, False, keep_going)

    def _is_certain(self, read: Found, jump: str) -> bool:
        """Whether a comparison is of bytes that are not equal anyway, whatever the others
        are: `cmp` of a read with a register or a number, for equality."""
        if jump not in ("je", "jne") or self._mnemonic(read.transition) != "cmp":
            return False
        operands = self.operands(read.pc, self._code(read.transition))
        other = next((one for one in operands if one.kind != "memory"), None)
        if other is None:
            return False
        value = other.immediate
        if other.kind == "register":
            view = self.registers([read.transition]).view
            value = Register.from_name(other.register).bits(view)
        data, _ = self.read_known_memory(read.transition, read.address, read.size)
        different = int.from_bytes(data, "little") ^ value
        return any(
            different >> 8 * byte & 0xFF
            for byte in range(read.size)
            if not read.missing >> byte & 1
        )

    def _mnemonic(self, transition: int) -> str:
        """ "" for what is no instruction."""
        code = self._code(transition)
        known: dict[bytes, str] = self._kept("mnemonics", dict)
        if code not in known:
            known[code] = disassemble([(0, code)])[0].mnemonic if code else ""
        return known[code]

    def _pc(self, transition: int) -> int:
        with translated():
            return int(self._trace().transitions(transition, transition + 1).pc[0])

    def _code(self, transition: int) -> bytes:
        with translated():
            columns = self._trace().transitions(transition, transition + 1)
        return bytes(columns.code[0][: columns.size[0]])

    def _is_for_the_program(self, context: int, library: list[tuple[int, int]]) -> bool:
        """Whether the program itself is on the stack: what the C library does on its own,
        when a thread or the program begins or ends, is right."""
        for frame in self.frames(context):
            if _lies_in(frame.pc, library):
                continue
            location = self.locate(context, frame.pc)
            name = location.symbol.name if location and location.symbol else ""
            if name not in _START_NAMES:
                return True
        return False

    def _library_code(self) -> list[tuple[int, int]]:
        """Code of the C library and the dynamic loader, [low, high)."""
        return self._kept("library code", self._find_library_code)

    def _find_library_code(self) -> list[tuple[int, int]]:
        ranges = []
        for binary in self.binaries():
            if _C_LIBRARY.match(PurePosixPath(binary.path).name):
                ranges += [(code.start, code.stop) for code in self.binary_ranges(binary.id)]
        return sorted(ranges)


def _error(kind: HeapErrorKind, found: Found, branch: int | None = None) -> HeapErrorData:
    address, size = found.address, found.size
    if found.missing:
        # Of what was never written, from the first byte to the last.
        skipped = (found.missing & -found.missing).bit_length() - 1
        address, size = address + skipped, found.missing.bit_length() - skipped
    return HeapErrorData(
        kind=kind,
        transition=found.transition,
        thread=found.thread,
        pc=found.pc,
        address=address,
        size=size,
        is_write=found.is_write,
        allocation=None if found.block is None else found.block.id,
        count=found.times,
        branch=branch,
    )


def _lies_in(address: int, ranges: list[tuple[int, int]]) -> bool:
    return any(low <= address < high for low, high in ranges)
