# SPDX-License-Identifier: Apache-2.0
"""`CoreService`: transitions, registers, memory, accesses, symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from reven import _engine
from reven.ossi import StoredBinaries, process_of, signal_name
from reven.trace import disassembly
from reven.trace.opened import OpenedTrace, next_part, translated
from reven.trace.stopping import keep_going
from reven.trace.transition_page import transition_page
from reven2._service import (
    KIND_INSTRUCTION,
    KIND_INTERRUPT,
    AccessPage,
    BinaryData,
    DeviceAccessData,
    Disassembly,
    EventData,
    LocationData,
    MappingData,
    OperandData,
    ProcessData,
    RangeData,
    RegisterPage,
    SymbolPage,
    ThreadData,
    TransitionIds,
    TransitionPage,
)
from reven2.errors import InvalidArgumentError, MemoryReadError

__all__ = ["CoreQueries"]

_END_OF_MEMORY = 1 << 64
_MOST_COMPARED = 64 << 20
_LARGEST_PART = 1 << 20  # bytes of a binary in one answer


class CoreQueries(OpenedTrace):
    """See `reven2._service.core`."""

    def threads(self) -> list[ThreadData]:
        with translated():
            return [
                ThreadData(thread.id, thread.first_transition, thread.last_transition)
                for thread in self._trace().threads()
            ]

    def transitions(self, start: int, stop: int) -> TransitionPage:
        with translated():
            columns = self._trace().transitions(start, stop)
            others = np.flatnonzero(columns.kind != KIND_INSTRUCTION) + columns.first
            events = {int(number): self._event(int(number)) for number in others}
        return transition_page(columns, events)

    def disassemble(self, instructions: Sequence[tuple[int, bytes]]) -> list[Disassembly]:
        return disassembly.disassemble(instructions)

    def operands(self, address: int, code: bytes) -> list[OperandData]:
        return disassembly.operands(address, code)

    def registers(self, contexts: Sequence[int]) -> RegisterPage:
        with translated():
            if len(contexts) == 1:
                thread, view = self._trace().registers(contexts[0])
                return RegisterPage(thread.to_bytes(4, "little"), view)
            threads, views = self._trace().registers_at(np.array(contexts, dtype=np.uint64))
            return RegisterPage(threads.tobytes(), views.tobytes())

    def thread_registers(self, thread: int, context: int) -> bytes | None:
        with translated():
            return self._trace().thread_registers(thread, context)

    def read_memory(self, context: int, address: int, size: int) -> bytes:
        if address + size > _END_OF_MEMORY:
            raise MemoryReadError(f"Cannot read {size} bytes at {address:#x}: memory ends before.")
        try:
            with translated():
                return self._trace().read_memory(context, address, size)
        except _engine.UnknownMemory as error:
            at: int = error.args[0]
            mapped = self.is_mapped(at, 1, context, context)
            why = "its contents were never recorded" if mapped else "nothing is mapped there"
            raise MemoryReadError(
                f"Cannot read {size} bytes at {address:#x} in context {context}: {why}, at {at:#x}."
                if size > 1
                else f"Cannot read {address:#x} in context {context}: {why}.",
                at,
            ) from None

    def read_known_memory(self, context: int, address: int, size: int) -> tuple[bytes, bytes]:
        inside = min(size, _END_OF_MEMORY - address)
        with translated():
            data, known = self._trace().read_known_memory(context, address, inside)
        beyond = bytes(size - inside)
        return data + beyond, known + beyond

    def mapped_ranges(self, context: int) -> list[RangeData]:
        merged: list[tuple[int, int]] = []
        for start, stop in self._mapped(context, context):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        return [RangeData(start, stop, context, context) for start, stop in merged]

    def mappings(self, first_context: int, last_context: int) -> list[MappingData]:
        return [
            MappingData(
                mapping.address,
                mapping.address + mapping.size,
                mapping.protection,
                mapping.file_offset,
                mapping.path,
            )
            for mapping in self._kept("mappings by address", self._mappings_by_address)
            if mapping.first_context <= last_context and mapping.last_context >= first_context
        ]

    def is_mapped(self, address: int, size: int, first_context: int, last_context: int) -> bool:
        end = address
        for start, stop in self._mapped(first_context, last_context):
            if start > end:
                break
            end = max(end, stop)
        return end >= address + size

    def accesses(
        self,
        start: int,
        stop: int,
        address: int,
        size: int,
        *,
        reads: bool,
        writes: bool,
        forward: bool,
        limit: int,
    ) -> AccessPage:
        with translated():
            found = self._trace().accesses(
                start,
                stop,
                address,
                size,
                reads=reads,
                writes=writes,
                forward=forward,
                limit=limit,
                progress=keep_going,
            )
        return AccessPage(
            transition=found.transition.tobytes(),
            address=found.address.tobytes(),
            size=found.size.tobytes(),
            is_write=found.is_write.tobytes(),
            cause=found.cause.tobytes(),
            linear=b"" if np.array_equal(found.linear, found.address) else found.linear.tobytes(),
            next=next_part(found.transition, start, stop, forward, limit),
        )

    def device_accesses(self, start: int, stop: int, limit: int) -> list[DeviceAccessData]:
        with translated():
            return [
                DeviceAccessData(
                    transition=found.transition,
                    address=found.address,
                    size=found.size,
                    value=found.value,
                    is_memory_mapped=found.is_memory_mapped,
                    is_write=found.is_write,
                )
                for found in self._trace().device_accesses(start, stop, limit, keep_going)
            ]

    def find_pcs(
        self,
        ranges: Sequence[tuple[int, int]],
        start: int,
        stop: int,
        *,
        forward: bool,
        limit: int,
    ) -> TransitionIds:
        with translated():
            found = self._trace().find_pcs(
                list(ranges), start, stop, forward=forward, limit=limit, progress=keep_going
            )
        return TransitionIds(found.tobytes(), next_part(found, start, stop, forward, limit))

    def find_register_change(
        self, context: int, offset: int, size: int, mask: int, forward: bool
    ) -> int | None:
        with translated():
            return self._trace().find_register_change(
                context, offset, size, mask, forward, keep_going
            )

    def find_memory_change(
        self, context: int, address: int, size: int, forward: bool
    ) -> int | None:
        if size > _MOST_COMPARED:
            raise InvalidArgumentError(
                f"At most {_MOST_COMPARED} bytes are compared at once, not {size}: ask for parts."
            )
        with translated():
            return self._trace().find_memory_change(context, address, size, forward, keep_going)

    def binaries(self) -> list[BinaryData]:
        return self._ossi().binaries()

    def binary_bytes(self, path: str, offset: int, size: int) -> bytes | None:
        with translated():
            stored = self._kept(
                "stored binaries", lambda: StoredBinaries(self._path, self._manifest.binaries)
            )
            return stored.part(path, offset, min(size, _LARGEST_PART))

    def binary_ranges(self, binary: int) -> list[RangeData]:
        return self._ossi().ranges(binary)

    def symbols(
        self, binary: int, pattern: str, *, case_sensitive: bool, kind: str, start: int, limit: int
    ) -> SymbolPage:
        with translated():
            return self._ossi().page(
                binary, pattern, case_sensitive, kind, start=start, limit=limit
            )

    def symbol_entries(self, binary: int, rva: int) -> list[RangeData]:
        return self._ossi().entries(binary, rva)

    def locate(self, context: int, address: int) -> LocationData | None:
        with translated():
            return self._ossi().locate(context, address)

    def processes(self) -> list[ProcessData]:
        if self._is_imported():
            return []
        known = self._manifest
        process = process_of(known.program, known.pid, known.ppid)
        return [ProcessData(process.name, process.pid, process.ppid)]

    def _event(self, number: int) -> EventData:
        event = self._trace().event(number)
        assert event is not None
        return EventData(
            kind=event.kind,
            thread=event.thread,
            next_thread=event.next_thread,
            signal=event.signal,
            signal_name=_event_name(event),
            synchronous=event.synchronous,
            pc=event.pc,
            error_code=event.error_code,
            handler=event.handler,
        )

    def _mapped(self, first_context: int, last_context: int) -> Iterator[tuple[int, int]]:
        """Mapped [start, stop) at one context or another of these, by ascending start."""
        for mapping in self._kept("mappings by address", self._mappings_by_address):
            if mapping.first_context <= last_context and mapping.last_context >= first_context:
                yield mapping.address, mapping.address + mapping.size

    def _mappings_by_address(self) -> list[_engine.Mapping]:
        with translated():
            return sorted(self._trace().mappings(), key=lambda mapping: mapping.address)


# Intel SDM volume 3, table 6-1.
_VECTORS = (
    *("#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "", "#TS", "#NP", "#SS"),
    *("#GP", "#PF", "", "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"),
)


def _event_name(event: _engine.Event) -> str:
    """Of a signal, or of the exception that a vector stands for."""
    if event.kind == KIND_INTERRUPT:
        return _VECTORS[event.signal] if event.signal < len(_VECTORS) else ""
    return (signal_name(event.signal) or "") if event.signal else ""
