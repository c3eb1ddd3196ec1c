# SPDX-License-Identifier: Apache-2.0
"""Find what a program does wrong with memory. An addition to the documented interface.

    for bug in bugs.find(server.trace, bugs.BugKind.Overflow):
        print(bug)
        print(bug.allocation.allocated.stack)

What is looked at is what happened in the trace: nothing is said of what might happen with
another input. What lies beside or in a block of the heap is found; not what lies beside a
variable on the stack, nor a use of memory that was freed and then given out again.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from reven2._printable import escape, printable
from reven2._service.heap import HeapErrorData
from reven2.address import LinearAddress
from reven2.arch import x64
from reven2.trace._instruction import MemoryOperand

if TYPE_CHECKING:
    from reven2.arch.register import Register
    from reven2.heap import Allocation
    from reven2.ossi.ossi import Location
    from reven2.preview.taint import Origin
    from reven2.stack import Stack
    from reven2.trace import Context, Trace, Transition

__all__ = ["Bug", "BugKind", "find"]

_LIMIT = 10_000
_NEAR = 1 << 20
# Of the flags that a conditional jump looks at, one (Intel SDM volume 2, Jcc); else zf.
_FLAGS = {
    **dict.fromkeys(("b", "ae", "a", "be", "c"), x64.cf),
    **dict.fromkeys(("s", "l", "ge"), x64.sf),
    "o": x64.of,
    "p": x64.pf,
}
_SYSCALL_POINTERS = (x64.rsi, x64.rdi, x64.rdx, x64.r10)


class BugKind(enum.Enum):
    """What is looked for.

    Members:
        Overflow: an access that begins in or beside a block of the heap and reaches beyond it,
            or lies between blocks, where no program has anything to look for.
        UseAfterFree: an access to a block that was freed.
        DoubleFree: a free of a block that was freed before, or of what is no block.
        Uninitialized: a read of bytes of a block or a stack frame to which nothing was written
            since it was made, if the value decides a conditional jump.
    """

    Overflow = "overflow"
    UseAfterFree = "use-after-free"
    DoubleFree = "double-free"
    Uninitialized = "uninitialized"


class Bug:
    """Something wrong. Each instruction counts once for each block. `str` says all of it in a
    line. Not meant to be constructed directly: `find` gives them."""

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: HeapErrorData) -> None:
        self._trace, self._data = trace, data

    @property
    def kind(self) -> BugKind:
        """What it is."""
        return BugKind(self._data.kind)

    @property
    def transition(self) -> Transition:
        """The first transition that does it: the access, or the first instruction of the
        function that frees."""
        return self._trace.transition(self._data.transition)

    @property
    def context(self) -> Context:
        """The context before it."""
        return self._trace._context(self._data.transition)

    @property
    def stack(self) -> Stack:
        """The call stack there."""
        return self.context.stack

    @property
    def location(self) -> Location | None:
        """Where in the code: of a free, where its caller called."""
        pc = self._data.pc
        if self.kind is BugKind.DoubleFree and pc:
            # The address after a call may belong to the next line, or function.
            pc -= 1
        return self.context.ossi.location(pc)

    @property
    def thread(self) -> int:
        """Number of the thread, from 1."""
        return self._data.thread

    @property
    def address(self) -> LinearAddress:
        """First byte of the access (of an uninitialized value, of those that were never
        written), or what is freed."""
        return LinearAddress(self._data.address)._of(self._trace)

    @property
    def size(self) -> int:
        """Bytes from there on; 0 for a free."""
        return self._data.size

    @property
    def is_write(self) -> bool:
        """Whether it writes."""
        return self._data.is_write

    @property
    def count(self) -> int:
        """How often the instruction did the same to the same block."""
        return self._data.count

    @property
    def allocation(self) -> Allocation | None:
        """The block beside or in which it lies; None for the stack, and for memory that never
        was a block's."""
        number = self._data.allocation
        if number is None:
            return None
        return self._trace.heap.allocation(number)

    @property
    def branch(self) -> Transition | None:
        """Of an uninitialized value: the conditional jump that it decides."""
        number = self._data.branch
        return None if number is None else self._trace.transition(number)

    def origin(self, max_hops: int = 100) -> Origin | None:
        """Where it comes from, by `reven2.preview.taint.origin`: of an access, the pointer that
        it goes through, of a free, what is freed; of an uninitialized value, what decides the
        jump, back to memory that nothing had written. None where the pointer is in no
        register.

        Parameters:
            max_hops: how far to go back at most.
        """
        from reven2.preview.taint import origin

        branch = self.branch
        if branch is not None:
            jump = branch.instruction
            condition = "" if jump is None else jump.mnemonic.removeprefix("j")
            flag = _FLAGS.get(condition.removeprefix("n"), x64.zf)
            return origin(branch.context_before(), flag, max_hops)
        pointer = x64.rdi if self.kind is BugKind.DoubleFree else self._pointer()
        return None if pointer is None else origin(self.context, pointer, max_hops)

    def _pointer(self) -> Register | None:
        """The register that the instruction gets the address from."""
        instruction = self.transition.instruction
        operands = [] if instruction is None else instruction.operands
        memory = [one for one in operands if isinstance(one, MemoryOperand)]
        named = [one for operand in memory for one in (operand.base, operand.index) if one]
        for register in (*named, *_SYSCALL_POINTERS):
            # An address has a few bytes or elements added to it, seldom more.
            if abs(self.context.read(register) - self._data.address) < _NEAR:
                return register
        return None

    @property
    def place(self) -> str:
        """Where it lies, in words: `2 bytes after the block [lin:0x40352a0; 40]`."""
        block = self.allocation
        if block is None:
            if self.kind is BugKind.Uninitialized:
                return "on the stack"
            return "where no block is"
        begin, end = block.address.offset, block.address.offset + block.size
        name = f"the block [{block.address}; {block.size}]"
        if self._data.address < begin:
            return f"{_bytes(begin - self._data.address)} before {name}"
        if self._data.address >= end:
            distance = self._data.address - end
            return f"{_bytes(distance) if distance else 'right'} after {name}"
        if self.kind is BugKind.Overflow:
            beyond = self._data.address + self._data.size - end
            return f"to {_bytes(beyond)} beyond {name}"
        offset = self._data.address - begin
        return f"at offset {offset} of {name}" if offset else f"at the start of {name}"

    def format_as_html(self) -> str:
        """The same as `str`, with links where there is a server."""
        link = self.transition.format_as_html()
        return f"{link} {escape(str(self).partition(' ')[2])}"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __str__(self) -> str:
        if self.kind is BugKind.DoubleFree:
            doing = f"frees {self.address}"
        else:
            never = " never written" if self.kind is BugKind.Uninitialized else ""
            doing = f"{'writes' if self.is_write else 'reads'} {_bytes(self.size)}{never}"
        block = self.allocation
        freed = block.freed if block is not None else None
        caller = self._caller()
        by = f"{_named(self.location)}{f', for {_named(caller)},' if caller else ''}"
        said = [f"#{self._data.transition} {by} {doing} {self.place}"]
        if block is not None:
            said.append(f"allocated by {block.allocated}")
        if freed is not None and freed._data.first_context < self._data.transition:
            said.append(f"freed by {freed}")
        branch = self.branch
        if branch is not None:
            place = branch.context_before().ossi.location()
            said.append(f"which decides the jump at #{branch.id} {_named(place)}")
        return printable(", ".join(said))

    def _caller(self) -> Location | None:
        """What called the code of another binary that does it; None if it is not the C
        library's."""
        here = self.location
        if here is None or here.binary is None or not here.binary.filename.startswith("libc"):
            return None
        locations = (frame.location for frame in self.stack.frames())
        return next((one for one in locations if one and one.binary != here.binary), None)

    def __repr__(self) -> str:
        return f"Bug({str(self)!r})"


def find(trace: Trace, *kinds: BugKind | str) -> Iterator[Bug]:
    """Look for bugs: a generator, kind by kind, in the order of the transitions.

    Parameters:
        trace: the trace.
        kinds: what to look for, as members of `BugKind` or their values (`"overflow"`);
            default: everything.

    Raises:
        ValueError: no such kind.
    """
    wanted = [BugKind(kind) for kind in kinds] or list(BugKind)
    return (
        Bug(trace, data)
        for kind in wanted
        for data in trace._service.heap_errors(kind.value, limit=_LIMIT)
    )


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def _named(location: Location | None) -> str:
    if location is None:
        return "unknown code"
    if location.file is None:
        return str(location)
    return f"{location} ({PurePath(location.file).name}:{location.line})"
