# SPDX-License-Identifier: Apache-2.0
"""`reven2._service.TraceService` on a trace directory, by the native engine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from reven import _engine
from reven.ossi import AddressSpace, BinaryError, StoredBinaries, process_of, signal_name
from reven.service import disassembly
from reven.service.stopping import keep_going
from reven.service.symbols import Symbols
from reven.service.transition_page import transition_page
from reven2._service import (
    KIND_INSTRUCTION,
    AccessPage,
    BinaryData,
    Disassembly,
    EventData,
    LocationData,
    OperandData,
    ProcessData,
    RangeData,
    RegisterPage,
    SymbolPage,
    ThreadData,
    TraceInfo,
    TransitionIds,
    TransitionPage,
)
from reven2.errors import (
    ClosedError,
    InvalidArgumentError,
    MemoryReadError,
    OutOfRangeError,
    RevenError,
    TraceError,
)

__all__ = ["LocalService"]

Result = TypeVar("Result")
_END_OF_MEMORY = 1 << 64


class _Manifest(msgspec.Struct):
    """What this module needs of manifest.json."""

    uuid: str = ""
    complete: bool = False
    kernel: str = ""


class LocalService:
    """Queries on one trace directory. Safe to call from several threads.

    Parameters:
        path: the trace directory.

    Raises:
        reven2.errors.TraceError (a RuntimeError): missing, damaged, or of another version.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        with _translated():
            self._engine: _engine.Trace | None = _engine.Trace(str(self._path))
        self._manifest = _read_manifest(self._path)
        self._lock = threading.Lock()
        self._symbols: Symbols | None = None
        self._mappings: list[_engine.Mapping] | None = None

    def info(self) -> TraceInfo:
        known = _converted(self._manifest, _Manifest, self._path)
        return TraceInfo(
            uuid=known.uuid or str(self._path.resolve()),
            name=self._path.resolve().name.removesuffix(".reven"),
            path=str(self._path),
            complete=known.complete,
            kernel=known.kernel.rpartition(" ")[2],
        )

    def transition_count(self) -> int:
        return self._trace().transition_count

    def refresh(self) -> int:
        with _translated():
            count = self._trace().refresh()
        manifest = _read_manifest(self._path)
        with self._lock:
            self._manifest = manifest
            self._symbols = self._mappings = None
        return count

    def threads(self) -> list[ThreadData]:
        with _translated():
            return [
                ThreadData(thread.id, thread.first_transition, thread.last_transition)
                for thread in self._trace().threads()
            ]

    def transitions(self, start: int, stop: int) -> TransitionPage:
        with _translated():
            columns = self._trace().transitions(start, stop)
            others = np.flatnonzero(columns.kind != KIND_INSTRUCTION) + columns.first
            events = {int(number): self._event(int(number)) for number in others}
        return transition_page(columns, events)

    def disassemble(self, instructions: Sequence[tuple[int, bytes]]) -> list[Disassembly]:
        return disassembly.disassemble(instructions)

    def operands(self, address: int, code: bytes) -> list[OperandData]:
        return disassembly.operands(address, code)

    def registers(self, contexts: Sequence[int]) -> RegisterPage:
        with _translated():
            if len(contexts) == 1:
                thread, view = self._trace().registers(contexts[0])
                return RegisterPage(thread.to_bytes(4, "little"), view)
            threads, views = self._trace().registers_at(np.array(contexts, dtype=np.uint64))
            return RegisterPage(threads.tobytes(), views.tobytes())

    def thread_registers(self, thread: int, context: int) -> bytes | None:
        with _translated():
            return self._trace().thread_registers(thread, context)

    def read_memory(self, context: int, address: int, size: int) -> bytes:
        if address + size > _END_OF_MEMORY:
            raise MemoryReadError(f"Cannot read {size} bytes at {address:#x}: memory ends before.")
        try:
            with _translated():
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
        with _translated():
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
        with _translated():
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
            next=_next(found.transition, start, stop, forward, limit),
        )

    def find_pcs(
        self,
        ranges: Sequence[tuple[int, int]],
        start: int,
        stop: int,
        *,
        forward: bool,
        limit: int,
    ) -> TransitionIds:
        with _translated():
            found = self._trace().find_pcs(
                list(ranges), start, stop, forward=forward, limit=limit, progress=keep_going
            )
        return TransitionIds(found.tobytes(), _next(found, start, stop, forward, limit))

    def find_register_change(
        self, context: int, offset: int, size: int, mask: int, forward: bool
    ) -> int | None:
        with _translated():
            return self._trace().find_register_change(
                context, offset, size, mask, forward, keep_going
            )

    def find_memory_change(
        self, context: int, address: int, size: int, forward: bool
    ) -> int | None:
        with _translated():
            return self._trace().find_memory_change(context, address, size, forward, keep_going)

    def binaries(self) -> list[BinaryData]:
        return self._ossi().binaries()

    def binary_ranges(self, binary: int) -> list[RangeData]:
        return self._ossi().ranges(binary)

    def symbols(
        self, binary: int, pattern: str, *, case_sensitive: bool, kind: str, start: int, limit: int
    ) -> SymbolPage:
        with _translated():
            return self._ossi().page(
                binary, pattern, case_sensitive, kind, start=start, limit=limit
            )

    def symbol_entries(self, binary: int, rva: int) -> list[RangeData]:
        return self._ossi().entries(binary, rva)

    def locate(self, context: int, address: int) -> LocationData | None:
        with _translated():
            return self._ossi().locate(context, address)

    def processes(self) -> list[ProcessData]:
        process = process_of(self._manifest)
        return [ProcessData(process.name, process.pid, process.ppid)]

    def close(self) -> None:
        self._engine = None
        with self._lock:
            self._symbols = self._mappings = None

    def _trace(self) -> _engine.Trace:
        engine = self._engine
        if engine is None:
            raise ClosedError(f"The trace {self._path} is closed: open it again.")
        return engine

    def _event(self, number: int) -> EventData:
        event = self._trace().event(number)
        assert event is not None
        return EventData(
            kind=event.kind,
            thread=event.thread,
            next_thread=event.next_thread,
            signal=event.signal,
            signal_name=signal_name(event.signal) or "" if event.signal else "",
            synchronous=event.synchronous,
            pc=event.pc,
        )

    def _mapped(self, first_context: int, last_context: int) -> Iterator[tuple[int, int]]:
        """Mapped [start, stop) at one context or another of these, by ascending start."""
        with self._lock:
            if self._mappings is None:
                with _translated():
                    mappings = self._trace().mappings()
                self._mappings = sorted(mappings, key=lambda mapping: mapping.address)
            mappings = self._mappings
        for mapping in mappings:
            if mapping.first_context <= last_context and mapping.last_context >= first_context:
                yield mapping.address, mapping.address + mapping.size

    def _ossi(self) -> Symbols:
        with self._lock:
            if self._symbols is None:
                trace = self._trace()
                with _translated():
                    stored = StoredBinaries.from_manifest(self._path, self._manifest)
                    space = AddressSpace(trace.mappings(), stored)
                    self._symbols = Symbols(space, trace.executed_ranges())
            return self._symbols


def _next(transitions: _engine.U64, start: int, stop: int, forward: bool, limit: int) -> int | None:
    """Where a query goes on after a page of answers; None at the end."""
    if len(transitions) < limit:
        return None
    last = int(transitions[-1])
    if forward:
        return last + 1 if last + 1 < stop else None
    return last if last > start else None


def _read_manifest(path: Path) -> dict[str, object]:
    file = path / "manifest.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, object])
    except OSError as error:
        raise TraceError(f"{file} cannot be read: {error.strerror}.") from None
    except msgspec.DecodeError as error:
        raise TraceError(f"{file} is damaged: {error}. Record the program again.") from None


def _converted(data: object, kind: type[Result], path: Path) -> Result:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise TraceError(f"The manifest of {path} is damaged: {error}.") from None


@contextmanager
def _translated() -> Iterator[None]:
    """The errors of the engine and of binaries as those of the client API."""
    try:
        yield
    except (_engine.TraceError, BinaryError) as error:
        raise TraceError(str(error)) from None
    except RevenError:
        raise
    except IndexError as error:
        raise OutOfRangeError(str(error)) from None
    except ValueError as error:
        raise InvalidArgumentError(str(error)) from None
