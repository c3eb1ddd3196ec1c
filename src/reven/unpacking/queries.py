# SPDX-License-Identifier: Apache-2.0
"""`UnpackingService`: which code was written in the trace before it ran, and by which.

Every different instruction (its address and its bytes) is looked at where it first ran: was any of
its bytes written before? Those that ran are few beside the writes, and each question has an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from reven import _engine
from reven.trace.core import CoreQueries
from reven.trace.opened import translated
from reven.trace.stopping import keep_going
from reven2._service.core import column
from reven2._service.unpacking import LayerData, LayerPage
from reven2.errors import InvalidArgumentError

__all__ = ["MOST_LAYERS", "UnpackingQueries"]

MOST_LAYERS = 4096
_MOST_INSTRUCTIONS = 1 << 17
_PAGE = 4096


@dataclass(frozen=True)
class _Written:
    """An instruction that was written before it first ran."""

    first: int
    address: int
    size: int
    written: int


@dataclass
class _Layer:
    depth: int
    first: _Written
    writer: int
    start: int
    stop: int
    instructions: int = 1


class UnpackingQueries(CoreQueries):
    """See `reven2._service.unpacking`."""

    def unpacked_layers(self, *, limit: int) -> LayerPage:
        if not 1 <= limit <= MOST_LAYERS:
            raise InvalidArgumentError(f"1 to {MOST_LAYERS} layers can be asked for, not {limit}.")
        trace = self._trace()
        search = self._kept("code that ran", lambda: _engine.CodeSearch(trace))
        found = self._kept("unpacked", lambda: self._find_layers(search))
        layers = [
            LayerData(
                one.depth, one.first.first, one.first.address, one.start, one.stop - one.start,
                one.first.written, one.writer, one.instructions,
            )
            for one in found[0][:limit]
        ]  # fmt: skip
        return LayerPage(layers, found[1] and len(found[0]) <= limit)

    def _find_layers(self, search: _engine.CodeSearch) -> tuple[list[_Layer], bool]:
        written, is_complete = self._written_instructions(search)
        layers: list[_Layer] = []
        # Of each address the layer whose code stands there now.
        owners: dict[int, _Layer] = {}
        for number, one in enumerate(written):
            if number % 256 == 0:
                keep_going()
            owner = owners.get(one.address) or self._beside(layers, one)
            writer = self._pc_of(one.written)
            by = owners.get(writer)
            depth = 1 if by is None else by.depth + 1
            # What was written after a layer was looked at is not in it.
            if owner is not None and one.written < owner.first.first and owner.depth == depth:
                owner.instructions += 1
                owners[one.address] = owner
                continue
            if len(layers) >= MOST_LAYERS:
                return layers, False
            start, stop = self._around(one)
            layer = _Layer(depth, one, writer, start, stop)
            layers.append(layer)
            owners[one.address] = layer
        return layers, is_complete

    def _written_instructions(self, search: _engine.CodeSearch) -> tuple[list[_Written], bool]:
        """Those that were written before they first ran, in the order of that."""
        count = self.transition_count()
        found: list[_Written] = []
        looked_at = 0
        numbered = enumerate(search.instructions)
        for page, group in groupby(numbered, lambda one: one[1][0] // _PAGE):
            keep_going()
            # An instruction may reach into the page behind.
            if self._last_write(0, count, page * _PAGE, _PAGE + 16) is None:
                continue
            for number, (address, code) in group:
                looked_at += 1
                if looked_at > _MOST_INSTRUCTIONS:
                    return sorted(found, key=lambda one: one.first), False
                if looked_at % 64 == 0:
                    keep_going()
                with translated():
                    runs = search.find([number], 0, count, limit=1, progress=keep_going)
                if not len(runs):
                    continue
                first = int(runs[0])
                written = self._last_write(0, first, address, len(code))
                if written is not None:
                    found.append(_Written(first, address, len(code), written))
        return sorted(found, key=lambda one: one.first), True

    def _last_write(self, start: int, stop: int, address: int, size: int) -> int | None:
        size = min(size, (1 << 64) - address)
        page = self.accesses(
            start, stop, address, size, reads=False, writes=True, forward=False, limit=1
        )
        transitions = column(page.transition, "Q")
        return int(transitions[0]) if len(transitions) else None

    def _pc_of(self, transition: int) -> int:
        return int(column(self.transitions(transition, transition + 1).pc, "Q")[0])

    def _beside(self, layers: list[_Layer], one: _Written) -> _Layer | None:
        """The latest layer that was looked at where an instruction lies."""
        return next(
            (
                layer
                for layer in reversed(layers)
                if layer.start <= one.address and one.address + one.size <= layer.stop
            ),
            None,
        )

    def _around(self, one: _Written) -> tuple[int, int]:
        """The mapping that an instruction runs in; where none is known, its page."""
        for mapped in self.mappings(one.first, one.first):
            if mapped.start <= one.address < mapped.stop:
                return mapped.start, mapped.stop
        start = one.address // _PAGE * _PAGE
        return start, start + _PAGE
