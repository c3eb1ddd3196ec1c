# SPDX-License-Identifier: Apache-2.0
"""Memory history: who touched which bytes, and when."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from reven2._printable import escape
from reven2.address import LinearAddress, PhysicalAddress

if TYPE_CHECKING:
    from reven2._service import DeviceAccessData
    from reven2.trace import Transition

__all__ = ["DeviceAccess", "MemoryAccess", "MemoryAccessCause", "MemoryAccessOperation"]


class MemoryAccessOperation(enum.Enum):
    """Whether memory was read or written."""

    Read = "read"
    Write = "write"

    def __repr__(self) -> str:
        return f"MemoryAccessOperation.{self.name}"


class MemoryAccessCause(enum.Enum):
    """Who accesses memory. The value says it in words."""

    Instruction = "an instruction"
    SystemCall = "a system call"
    Signal = "the kernel, to deliver a signal"
    ThreadExit = "the kernel, as a thread ended"
    Kernel = "the kernel"
    OtherMapping = "an instruction that stored to the same page at another address"
    Outside = "another process or the kernel, seen first here"
    File = "another process, by writing to the mapped file"
    Device = "a device of the machine, seen first here"
    PageTable = "the processor, by marking a page-table entry"
    NotRecorded = "code that was not recorded"

    def __repr__(self) -> str:
        return f"MemoryAccessCause.{self.name}"


OTHERS = {
    MemoryAccessCause.OtherMapping,
    MemoryAccessCause.Outside,
    MemoryAccessCause.File,
    MemoryAccessCause.Device,
    MemoryAccessCause.PageTable,
    MemoryAccessCause.NotRecorded,
}
"""Causes that no transition of the trace is at that address."""

_BY_NUMBER = (
    MemoryAccessCause.Instruction,
    MemoryAccessCause.Kernel,
    MemoryAccessCause.SystemCall,
    MemoryAccessCause.Signal,
    MemoryAccessCause.ThreadExit,
    MemoryAccessCause.Kernel,
    MemoryAccessCause.OtherMapping,
    MemoryAccessCause.Outside,
    MemoryAccessCause.File,
    MemoryAccessCause.Device,
    MemoryAccessCause.PageTable,
    MemoryAccessCause.NotRecorded,
)


CAUSE_COUNT = len(_BY_NUMBER)


def access_cause(number: int) -> MemoryAccessCause:
    """The cause that `AccessPage.cause` holds by its number in the event stream."""
    return _BY_NUMBER[number]


class MemoryAccess:
    """One access to memory. Not meant to be constructed directly: ask the trace or a
    transition."""

    __slots__ = ("_address", "_cause", "_operation", "_physical", "_size", "_transition")

    def __init__(
        self,
        transition: Transition,
        address: LinearAddress,
        size: int,
        operation: MemoryAccessOperation,
        cause: MemoryAccessCause = MemoryAccessCause.Instruction,
        physical: int | None = None,
    ) -> None:
        self._transition, self._address = transition, address
        self._size, self._operation = size, operation
        self._cause = cause
        # A program's is its linear one.
        self._physical = address.offset if physical is None else physical

    @property
    def transition(self) -> Transition:
        """The transition that makes it."""
        return self._transition

    @property
    def physical_address(self) -> PhysicalAddress:
        """Its first byte; in a user program's trace, equal to the linear address."""
        return PhysicalAddress(self._physical)._of(self._transition._trace)

    @property
    def virtual_address(self) -> LinearAddress:
        """Its first byte as the program sees it."""
        return self._address

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    @property
    def operation(self) -> MemoryAccessOperation:
        """Whether it reads or writes."""
        return self._operation

    @property
    def cause(self) -> MemoryAccessCause:
        """Who makes it. What another process or the kernel changed on its own is dated by the
        first instruction that saw it: the access belongs to the transition before that one."""
        return self._cause

    def _words(self) -> str:
        """The cause, where the transition alone does not tell it."""
        if self._cause in (MemoryAccessCause.Instruction, MemoryAccessCause.SystemCall):
            return ""
        return f" by {self._cause.value}"

    def format_as_html(self) -> str:
        """The same as `str`, for embedding in HTML, with links where there is a server."""
        text = str(self._transition).partition(" ")[2]
        return (
            f"[{self._transition.format_as_html()} {escape(text)}]{self._operation.name} access at "
            f"{self._address.format_as_html()} of size {self._size}{escape(self._words())}"
        )

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MemoryAccess):
            return NotImplemented
        return (
            self._transition == other._transition
            and self._address == other._address
            and self._physical == other._physical
            and self._size == other._size
            and self._operation is other._operation
        )

    def __hash__(self) -> int:
        return hash((self._transition, self._address, self._size, self._operation))

    def __str__(self) -> str:
        return (
            f"[{self._transition}]{self._operation.name} access at @{self.physical_address} "
            f"(virtual address: {self._address}) of size {self._size}{self._words()}"
        )

    def __repr__(self) -> str:
        return (
            f"MemoryAccess(transition={self._transition!r}, "
            f"physical_address={self.physical_address!r}, size={self._size}, "
            f"operation={self._operation!r}, virtual_address={self._address!r})"
        )


class DeviceAccess:
    """What an instruction moved from or to a device, in the trace of a machine: through a port
    (`in`, `out`), or through physical addresses at which there is no memory. Not meant to be
    constructed directly: ask a transition."""

    __slots__ = ("_data", "_transition")

    def __init__(self, transition: Transition, data: DeviceAccessData) -> None:
        self._transition, self._data = transition, data

    @property
    def transition(self) -> Transition:
        """The transition that makes it."""
        return self._transition

    @property
    def port(self) -> int | None:
        """Number of the port; None if there is a physical address instead."""
        return None if self._data.is_memory_mapped else self._data.address

    @property
    def physical_address(self) -> PhysicalAddress | None:
        """Where the device's register is; None for a port."""
        return PhysicalAddress(self._data.address) if self._data.is_memory_mapped else None

    @property
    def size(self) -> int:
        """Bytes."""
        return self._data.size

    @property
    def value(self) -> int:
        """What the device gave or took."""
        return self._data.value

    @property
    def operation(self) -> MemoryAccessOperation:
        """Whether it reads from the device or writes to it."""
        return MemoryAccessOperation.Write if self._data.is_write else MemoryAccessOperation.Read

    def __str__(self) -> str:
        where = "device" if self._data.is_memory_mapped else "port"
        return (
            f"[{self._transition}]{self.operation.name} access to {where} "
            f"{self._data.address:#x} of size {self.size}: {self.value:#x}"
        )

    def __repr__(self) -> str:
        return f"DeviceAccess({str(self)!r})"
