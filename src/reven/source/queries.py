# SPDX-License-Identifier: Apache-2.0
"""`TypeService`: types, variables and prototypes from debug information."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from reven.ossi import Load
from reven.ossi.linux.elf_header import elf_errors
from reven.source.debug_information import BinaryDebug
from reven.source.frames import Frame, State, caller, outside_of_functions, top_frame
from reven.source.inlined import source_frames
from reven.source.variables import Variables
from reven.trace.core import CoreQueries
from reven.trace.opened import translated
from reven.trace.stopping import acquired, keep_going
from reven2._service.source import FunctionData, SourceFrameData, TypeGraph, VariableData
from reven2.errors import OutOfRangeError

__all__ = ["TypeQueries"]

_FRAMES_KEPT = 1 << 16


class TypeQueries(CoreQueries):
    """See `reven2._service.source`."""

    def find_type(self, binary: int, name: str) -> TypeGraph | None:
        debug = self._debug(binary)
        with self._reading(debug):
            if debug.source is None:
                return None
            found = debug.source.types.find(name)
            return None if found is None else debug.source.types.graph(found, binary=binary)

    def type_graph(self, binary: int, type: int) -> TypeGraph:
        debug = self._debug(binary)
        with self._reading(debug):
            if debug.source is None:
                raise OutOfRangeError(f"{debug.binary.path} has no type {type}.")
            return debug.source.types.graph(type, binary=binary)

    def find_function(self, binary: int, name: str) -> FunctionData | None:
        debug = self._debug(binary)
        with self._reading(debug):
            if debug.source is None:
                return None
            info, types = debug.source.info, debug.source.types
            for place in info.index.functions(name):
                die = info.entry(place.offset)
                parameters, is_variadic = types.parameters(die)
                returns = types.of(die)
                graph = types.graph(returns, [parameter.type for parameter in parameters], binary)
                return FunctionData(name, parameters, returns, is_variadic, graph)
        return None

    def format_value(
        self, context: int, binary: int, type: int, address: int | None, data: bytes
    ) -> str:
        debug = self._debug(binary)
        space = self._ossi().space
        with self._reading(debug):
            load = next(
                (
                    one
                    for one in space.loads_of(debug.binary)
                    if one.first_context <= context <= one.last_context
                ),
                None,
            )
            if debug.source is None:
                raise OutOfRangeError(f"{debug.binary.path} has no type {type}.")
            frame = outside_of_functions(_Moment(self, context), load, debug)
            return Variables(frame, debug, debug.source, self._ossi()).text(type, data, address)

    def variables(self, context: int, *, frame: int, is_global: bool) -> list[VariableData]:
        found = self._frame(context, frame)
        if found is None or found.debug is None:
            return []
        with self._reading(found.debug):
            if found.debug.source is None:
                return []
            variables = Variables(found, found.debug, found.debug.source, self._ossi())
            return variables.globals() if is_global else variables.in_scope()

    def variable(self, context: int, name: str, *, frame: int) -> VariableData | None:
        found = self._frame(context, frame)
        if found is not None and found.debug is not None:
            with self._reading(found.debug):
                if found.debug.source is not None:
                    inner = Variables(found, found.debug, found.debug.source, self._ossi())
                    if (variable := inner.named(name)) is not None:
                        return variable
        for load in self._ossi().space.loads():
            if load.first_context <= context <= load.last_context:
                debug = self._debug_of(load)
                with self._reading(debug):
                    if debug.source is None:
                        continue
                    outer = outside_of_functions(_Moment(self, context), load, debug)
                    variables = Variables(outer, debug, debug.source, self._ossi())
                    if (variable := variables.global_named(name)) is not None:
                        return variable
        return None

    def source_frames(self, context: int, addresses: Sequence[int]) -> list[list[SourceFrameData]]:
        known: dict[tuple[int, int], list[SourceFrameData]] = self._kept("source frames", dict)
        found: list[list[SourceFrameData]] = []
        for address in addresses:
            load = self._ossi().space.load_at(address, context)
            if load is None:
                found.append([])
                continue
            key = (id(load), address)
            if key not in known:
                keep_going()
                if len(known) >= _FRAMES_KEPT:
                    known.clear()
                debug = self._debug_of(load)
                with self._reading(debug):
                    known[key] = source_frames(debug, address - load.base_address)
            found.append(known[key])
        return found

    def call_line(self, context: int, pc: int) -> int | None:
        """The line on which the function that holds an address calls the outermost function of
        another file that was inlined there; None if none was."""
        load = self._ossi().space.load_at(pc, context)
        if load is None:
            return None
        debug = self._debug_of(load)
        with self._reading(debug):
            if debug.source is None:
                return None
            info = debug.source.info
            blocks = debug.source.scopes.blocks_at(pc - load.base_address + debug.image_vaddr)
            functions = [
                (block, info.value(block, "DW_AT_decl_file"))
                for block in blocks
                if block.tag in ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")
            ]
            for block, file in functions[1:]:
                line = block.attributes.get("DW_AT_call_line")
                if file != functions[0][1] and line is not None:
                    return int(line.value)
        return None

    @contextmanager
    def _reading(self, debug: BinaryDebug) -> Iterator[None]:
        """Damaged debug information raises TraceError."""
        # A value of one binary may point into another, whose lock is then needed as well: one
        # thread at a time may hold several.
        with (
            translated(),
            acquired(self._kept("debug information", threading.RLock)),
            debug.lock(),
            elf_errors(debug.binary.path),
        ):
            yield

    def _frame(self, context: int, number: int) -> Frame | None:
        """The frame so many calls up from the one that runs; None beyond the outermost."""
        space = self._ossi().space
        frame: Frame | None = top_frame(_Moment(self, context), space, self._debug_of)
        for _ in range(number):
            if frame is None:
                return None
            keep_going()
            with translated():
                frame = caller(frame, space, self._debug_of)
        return frame

    def _debug_of(self, load: Load) -> BinaryDebug:
        numbers = self._kept("binary numbers", self._binary_numbers)
        return self._debug(numbers[load.binary.path])

    def _binary_numbers(self) -> dict[str, int]:
        binaries = self._ossi().space.binaries()
        return {binary.path: number for number, binary in enumerate(binaries)}

    def _debug(self, number: int) -> BinaryDebug:
        binaries = self._ossi().space.binaries()
        if not 0 <= number < len(binaries):
            raise OutOfRangeError(f"There is no binary {number}.")
        make = partial(BinaryDebug, binaries[number], number)
        return self._kept(f"debug information of {number}", make)


class _Moment(State):
    """A context of the trace."""

    def __init__(self, service: TypeQueries, context: int) -> None:
        self._service, self.context = service, context
        self._view: bytes | None = None

    def view(self) -> bytes:
        if self._view is None:
            self._view = self._service.registers([self.context]).view
        return self._view

    def known(self, address: int, size: int) -> bytes | None:
        if address + size > 1 << 64:
            return None
        data, known = self._service.read_known_memory(self.context, address, size)
        return None if 0 in known else data

    def call(self, return_slot: int) -> State | None:
        if not 0 <= return_slot < 1 << 64:
            return None
        writes = self._service.accesses(
            0, self.context, return_slot, 8, reads=False, writes=True, forward=False, limit=1
        )
        if not writes.transition:
            return None
        return _Moment(self._service, int.from_bytes(writes.transition[:8], "little"))

    def after(self) -> State:
        return _Moment(self._service, self.context + 1)
