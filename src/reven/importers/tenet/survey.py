# SPDX-License-Identifier: Apache-2.0
"""Look through a whole file before a trace is made of it: is it right, and what is in it?"""

from __future__ import annotations

from dataclasses import dataclass, field

from reven.importers.tenet.text import BOTH, READ, REGISTERS, WRITTEN, LineReader

PAGE = 4096
MOST_PAGES = 1 << 22  # 16 GiB of memory that is touched

_PROTECTIONS = {READ: 1, WRITTEN: 2, BOTH: 3}
_EXECUTED = 4


@dataclass
class Survey:
    """`first_known`: the context from which each register's value is known; `pages`: what was
    done in each page, as protection bits; `initial`: the registers of the first line."""

    lines: int = 0
    slide: int | None = None
    first_known: dict[str, int] = field(default_factory=dict)
    pages: dict[int, int] = field(default_factory=dict)
    initial: dict[int, int] = field(default_factory=dict)

    def regions(self) -> list[tuple[int, int, int]]:
        """Address, size and protection of neighbouring pages that were used alike."""
        merged: list[tuple[int, int, int]] = []
        for page, protection in sorted(self.pages.items()):
            address = page * PAGE
            if merged:
                start, size, same = merged[-1]
                if start + size == address and same == protection:
                    merged[-1] = start, size + PAGE, same
                    continue
            merged.append((address, PAGE, protection))
        return merged


def look_through(lines: LineReader) -> Survey:
    """The survey of a whole file. Raises CannotImport."""
    found = Survey()
    names = {offset: name for name, offset in REGISTERS.items()}
    rip = REGISTERS["rip"]
    pages = found.pages
    pc = None
    for line in lines:
        if found.lines == 0:
            found.initial = line.registers
        for offset in line.registers:
            if names[offset] not in found.first_known:
                found.first_known[names[offset]] = found.lines
        if line.slide is not None:
            found.slide = line.slide
        pc = line.registers.get(rip, pc)
        if pc is None:
            lines.wrong("it does not say rip; the first line must")
        pages[pc // PAGE] = pages.get(pc // PAGE, 0) | _EXECUTED
        for kind, address, data in line.accesses:
            if found.lines == 0:
                lines.wrong("the first line has memory, which no instruction before it can access")
            for page in range(address // PAGE, (address + len(data) - 1) // PAGE + 1):
                pages[page] = pages.get(page, 0) | _PROTECTIONS[kind]
        if len(pages) > MOST_PAGES:
            lines.wrong(f"the trace touches more than {MOST_PAGES * PAGE >> 30} GiB of memory")
        found.lines += 1
    if found.lines < 2:
        lines.wrong("the file ends; a trace has at least two lines, with an instruction in between")
    return found
