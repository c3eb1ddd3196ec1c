# SPDX-License-Identifier: Apache-2.0
"""Operating-system-specific information of a recorded Linux program: its binaries, their
symbols and source lines, the process, and the names of system calls and signals."""

from __future__ import annotations

from reven.ossi.address_space import AddressSpace, Load, Location, Mapping
from reven.ossi.binary import Binary
from reven.ossi.demangle import demangle
from reven.ossi.linux.elf import ElfImage
from reven.ossi.linux.elf_header import BinaryError, Segment
from reven.ossi.linux.lines import SourceLine
from reven.ossi.names import signal_name, syscall_name
from reven.ossi.process import Process, process_of
from reven.ossi.stored_binaries import BinaryEntry, StoredBinaries
from reven.ossi.symbols import ElfSymbol

__all__ = [
    "AddressSpace",
    "Binary",
    "BinaryEntry",
    "BinaryError",
    "ElfImage",
    "ElfSymbol",
    "Load",
    "Location",
    "Mapping",
    "Process",
    "Segment",
    "SourceLine",
    "StoredBinaries",
    "demangle",
    "process_of",
    "signal_name",
    "syscall_name",
]
