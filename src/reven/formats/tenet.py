# SPDX-License-Identifier: Apache-2.0
"""Write Tenet text traces.

Source of the format: github.com/gaasedelen/tenet, tracers/README.md. Each line is a moment,
told as the difference from the one before: registers that changed, always rip, and the
memory that the instruction in between read (`mr`) and wrote (`mw`). The first line has all
registers. So N transitions are N + 1 lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from reven import _engine
from reven.formats.protocol import CannotExport, Export, Exporter, Progress
from reven.importers.tenet.text import REGISTERS

_BATCH = 4096  # transitions at once
_LOST = ["instruction bytes", "flags", "vector, x87 and segment registers", "what is mapped where"]


class TenetExport:
    """The lines of one trace."""

    def __init__(self, trace: _engine.Trace, start: int, stop: int, to: IO[bytes]) -> None:
        self._trace, self._start, self._stop, self._to = trace, start, stop, to

    @property
    def lost(self) -> list[str]:
        lost = list(_LOST)
        if len(self._trace.threads()) > 1:
            lost.append("which thread runs")
        return lost

    def run(self, progress: Progress) -> int:
        names = [f"{name}=0x".encode() for name in REGISTERS]
        last = self._registers(self._start, self._start + 1)[0]
        self._to.write(_registers(names, last.tolist(), range(len(names))) + b"\n")
        for first in range(self._start, self._stop, _BATCH):
            if not progress(first - self._start, self._stop - self._start):
                raise CannotExport("The export was stopped.")
            end = min(first + _BATCH, self._stop)
            values = self._registers(first + 1, end + 1)
            changed = values != np.vstack([last, values[:-1]])
            changed[:, -1] = True
            accesses = _texts(self._trace, first, end)
            rows = values.tolist()
            lines = [
                _registers(names, row, which.nonzero()[0].tolist()) + next(accesses) + b"\n"
                for row, which in zip(rows, changed, strict=True)
            ]
            self._to.writelines(lines)
            last = values[-1]
        progress(self._stop - self._start, self._stop - self._start)
        return self._stop - self._start

    def _registers(self, start: int, stop: int) -> npt.NDArray[np.uint64]:
        """Of contexts [start, stop): a row each, in the order of REGISTERS."""
        _, views = self._trace.registers_at(np.arange(start, stop, dtype=np.uint64))
        words: npt.NDArray[np.uint64] = np.ascontiguousarray(views).view("<u8")
        return words[:, [offset // 8 for offset in REGISTERS.values()]]


class TenetExporter:
    """Tenet text traces of x86-64."""

    title = "Tenet text trace"
    suffixes = (".tenet", ".tt")

    def export(self, trace: Path, start: int, stop: int | None, to: IO[bytes]) -> Export:
        engine = _engine.Trace(trace)
        end = engine.transition_count if stop is None else stop
        if not 0 <= start < end <= engine.transition_count:
            raise CannotExport(
                f"The trace has no transitions {start} … {end - 1}: "
                f"it has {engine.transition_count}, from 0."
            )
        return TenetExport(engine, start, end, to)


EXPORTER: Exporter = TenetExporter()


def _registers(names: list[bytes], values: list[int], which: range | list[int]) -> bytes:
    return b",".join([b"%s%x" % (names[i], values[i]) for i in which])


def _texts(trace: _engine.Trace, start: int, stop: int) -> Iterator[bytes]:
    """The accesses of each transition of [start, stop), as they stand in its line."""
    transitions, addresses, sizes, writes, data = _engine.access_values(trace, start, stop)
    rows = zip(
        transitions.tolist(), addresses.tolist(), sizes.tolist(), writes.tolist(), strict=True
    )
    at = 0
    pending = next(rows, None)
    for transition in range(start, stop):
        parts = []
        while pending is not None and pending[0] == transition:
            _, address, size, is_write = pending
            kind = b"mw" if is_write else b"mr"
            parts.append(b",%s=0x%x:%s" % (kind, address, data[at : at + size].hex().encode()))
            at += size
            pending = next(rows, None)
        yield b"".join(parts)
