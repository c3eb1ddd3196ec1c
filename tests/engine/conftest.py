# SPDX-License-Identifier: Apache-2.0
"""The trace of `programs.VARIED`, and everything that is in it, found the long way."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from reven._engine import Trace

from .programs import STATIC, VARIED

ACCESS = np.dtype([("transition", "<u8"), ("address", "<u8"), ("length", "<u8"), ("is_write", "?")])


@dataclass(frozen=True)
class Everything:
    """A whole trace in numpy arrays."""

    path: Path
    trace: Trace
    buffer: int  # address of the program's `buffer`

    @cached_property
    def count(self) -> int:
        return self.trace.transition_count

    @cached_property
    def threads(self) -> npt.NDArray[np.uint32]:
        """The running thread of every context."""
        return self._states[0]

    @cached_property
    def views(self) -> npt.NDArray[np.uint8]:
        """The register view of every context."""
        return self._states[1]

    @cached_property
    def _states(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
        return self.trace.registers_at(np.arange(self.count + 1, dtype=np.uint64))

    @cached_property
    def pcs(self) -> npt.NDArray[np.uint64]:
        return self.trace.transitions(0, self.count).pc

    @cached_property
    def kinds(self) -> npt.NDArray[np.uint8]:
        return self.trace.transitions(0, self.count).kind

    @cached_property
    def accesses(self) -> npt.NDArray[np.void]:
        """All accesses in order: transition, address, length, is_write."""
        found = self.trace.accesses(0, self.count, limit=1 << 30)
        table = np.empty(len(found), ACCESS)
        table["transition"] = found.transition
        table["address"] = found.address
        table["length"] = found.size
        table["is_write"] = found.is_write
        return table


@pytest.fixture(scope="session")
def varied(compile_program: Callable[..., Path], record_command: Callable[..., Path]) -> Everything:
    program = compile_program(VARIED, *STATIC)
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    buffer = next(line for line in listing.splitlines() if line.endswith(" buffer"))
    path = record_command([program])
    return Everything(path, Trace(str(path)), int(buffer.split()[0], 16))
