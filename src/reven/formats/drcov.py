# SPDX-License-Identifier: Apache-2.0
"""Write coverage as drcov files, version 2.

Source of the format: DynamoRIO's drcov (its documentation "Code Coverage Tool", and what
Lighthouse's parser reads): a header, a table of modules, then records of eight bytes, offset
in the module (u32), size (u16), module (u16). Here a record is an executed instruction, as traces
know nothing of the blocks of another tool.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO

import numpy as np

from reven import _engine
from reven.formats.protocol import CannotExport, Export, Exporter, Progress
from reven2._client.server import OpenTrace
from reven2._service import KIND_INSTRUCTION

_LOST = ["the order and number of executions", "code outside of files"]
_PAGE = 1 << 16


class DrcovExport:
    """The coverage of one trace."""

    def __init__(self, server: OpenTrace, start: int, stop: int, to: IO[bytes]) -> None:
        self._server, self._start, self._stop, self._to = server, start, stop, to

    @property
    def lost(self) -> list[str]:
        return _LOST

    def run(self, progress: Progress) -> int:
        executed: dict[int, int] = {}
        service = self._server.trace._service
        at = self._start
        while at < self._stop:
            if not progress(at - self._start, self._stop - self._start):
                raise CannotExport("The export was stopped.")
            page = service.transitions(at, min(at + _PAGE, self._stop))
            # What a fault cut short did not run.
            ran = np.frombuffer(page.kind, "u1") == KIND_INSTRUCTION
            addresses = np.frombuffer(page.address, "<u8")
            for index in np.unique(np.frombuffer(page.instruction, "<u4")[ran]).tolist():
                executed[int(addresses[index])] = len(page.code[index])
            at = page.first + max(page.count, 1)
        self._write(executed)
        progress(self._stop - self._start, self._stop - self._start)
        return self._stop - self._start

    def _write(self, executed: dict[int, int]) -> None:
        modules = self._modules()
        records = []
        for address, size in sorted(executed.items()):
            for number, (start, stop, _) in enumerate(modules):
                if start <= address < stop:
                    records.append(struct.pack("<IHH", address - start, size, number))
                    break
        lines = [
            "DRCOV VERSION: 2",
            "DRCOV FLAVOR: reven",
            f"Module Table: version 2, count {len(modules)}",
            "Columns: id, base, end, entry, path",
        ]
        lines += [
            f"{number}, {start:#018x}, {stop:#018x}, {0:#018x}, {_printable(path)}"
            for number, (start, stop, path) in enumerate(modules)
        ]
        lines.append(f"BB Table: {len(records)} bbs")
        self._to.write("\n".join(lines).encode() + b"\n" + b"".join(records))

    def _modules(self) -> list[tuple[int, int, str]]:
        """(base address, end, path) of each binary, for each place that it was loaded at."""
        service = self._server.trace._service
        found: dict[tuple[int, str], int] = {}
        mappings = service.mappings(0, self._server.trace.transition_count)
        for binary in service.binaries():
            for code in service.binary_ranges(binary.id):
                located = service.locate(code.first_context, code.start)
                if located is None:
                    continue
                base = located.base_address
                pieces = [one.stop for one in mappings if one.path == binary.path]
                near = [stop for stop in pieces if base < stop < base + (1 << 32)]
                key = (base, binary.path)
                found[key] = max([found.get(key, 0), code.stop, *near])
        ordered = sorted((base, stop, path) for (base, path), stop in found.items())
        # Two loads of one file never overlap: each ends where the next begins.
        return [
            (base, min([stop, *(other for other, _, _ in ordered if other > base)]), path)
            for base, stop, path in ordered
        ]


class DrcovExporter:
    """drcov files."""

    title = "drcov file"
    suffixes = (".drcov", ".cov")

    def export(self, trace: Path, start: int, stop: int | None, to: IO[bytes]) -> Export:
        import reven2

        engine = _engine.Trace(trace)
        end = engine.transition_count if stop is None else stop
        if not 0 <= start < end <= engine.transition_count:
            raise CannotExport(
                f"The trace has no transitions {start} … {end - 1}: "
                f"it has {engine.transition_count}, from 0."
            )
        return DrcovExport(reven2.open(trace), start, end, to)


EXPORTER: Exporter = DrcovExporter()


def _printable(path: str) -> str:
    return "".join(letter if letter.isprintable() and letter != "," else "?" for letter in path)
