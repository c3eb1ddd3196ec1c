# SPDX-License-Identifier: Apache-2.0
"""The full state of the machine at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias, TypeVar, overload

from reven2._arguments import count, flag, instance, integer, range_size, text
from reven2._arguments import data as data_of
from reven2._imported import need_register
from reven2._service import column
from reven2.address import AnyAddress, LinearAddress, PhysicalAddress, linear
from reven2.arch import x64
from reven2.arch.register import FloatRegister, Register
from reven2.errors import InvalidArgumentError, RegisterReadError, TraceError, VariableReadError
from reven2.trace._arguments import register_of, size_of_source, source_and_type
from reven2.trace._moment import Moment
from reven2.trace._pages import RegisterBatch
from reven2.trace._variable import Variable
from reven2.types import Pointer, Type

if TYPE_CHECKING:
    from reven2.difference import MomentDifference
    from reven2.ossi.ossi import ContextOssi
    from reven2.stack import Stack, StackFrame
    from reven2.trace._trace import Trace
    from reven2.trace._transition import Transition

__all__ = ["Context"]

Value = TypeVar("Value")
AnySource: TypeAlias = "Register | AnyAddress"
"""What may be read; a str is the name of a register, or else an expression."""
_INTEGER_SIZES = (1, 2, 4, 8)


class Context(Moment):
    """The state before or after a transition: every register and byte of memory.

    Contexts of one trace are ordered and hashable; `context + n` and `context - n` are its
    neighbours. Not meant to be constructed directly: ask the trace or a transition.
    """

    __slots__ = ("_batch", "_index", "_state")

    def __init__(
        self, trace: Trace, number: int, batch: RegisterBatch | None = None, index: int = 0
    ) -> None:
        self._trace, self._id = trace, number
        self._batch, self._index = batch, index
        self._state: tuple[int, bytes] | None = None

    @overload
    def read(  # type: ignore[overload-overlap]
        self,
        source: FloatRegister,
        ty_or_size: None = None,
        raw: Literal[False] = False,
        *,
        thread: int | None = None,
    ) -> float: ...

    @overload
    def read(
        self,
        source: Register,
        ty_or_size: None = None,
        raw: Literal[False] = False,
        *,
        thread: int | None = None,
    ) -> int: ...

    @overload
    def read(
        self,
        source: AnySource,
        ty_or_size: Type[Value],
        raw: Literal[False] = False,
        *,
        thread: int | None = None,
    ) -> Value: ...

    @overload
    def read(
        self,
        source: AnySource,
        ty_or_size: Type[Any] | int | None = None,
        *,
        raw: Literal[True],
        thread: int | None = None,
    ) -> bytearray: ...

    @overload
    def read(
        self,
        source: AnySource,
        ty_or_size: Type[Any] | int | None = None,
        raw: bool = False,
        *,
        thread: int | None = None,
    ) -> Any: ...

    def read(
        self,
        source: AnySource,
        ty_or_size: Type[Any] | int | None = None,
        raw: bool = False,
        *,
        thread: int | None = None,
    ) -> Any:
        """Read a register or memory.

        Parameters:
            source: a register, an address, or an int taken as a linear address. Also text:
                the name of a register, `"rax"`, or else an expression for an address,
                `"rsp+8"`, `"main"` (`reven2.place`).
            ty_or_size: a type of `reven2.types`, or a number of bytes; a register needs
                none. Of a register, the low bytes are taken.
            raw: give the bytes, little endian, as they are.
            thread: read as this thread sees it (its own registers at its own last moment;
                memory through its fs and gs); default: the current thread. An addition to
                the documented interface.

        Returns:
            For a register alone, its unsigned value (st0 … st7: a float). For a type, its
            value. For a size of 1, 2, 4 or 8 an unsigned int, for any other a bytearray.
            With `raw`, a bytearray.

        Raises:
            MemoryReadError (a RuntimeError): memory not mapped or never recorded.
            RegisterReadError (a RuntimeError): a register not recorded, or of a thread that
                had not run yet.
            StringDecodeError (a UnicodeDecodeError): a `CString` that is none.
            InvalidArgumentError (a ValueError): no size, or more bytes than the register has.
        """
        source, ty_or_size = source_and_type(source, ty_or_size)
        if isinstance(source, Register):
            self._need(source)
            view = self._view(thread)
            if ty_or_size is None:
                return bytearray(source.raw_value(view)) if raw else source.value(view)
            data = source.raw_value(view)
            if isinstance(ty_or_size, Type):
                return self._of_register(data, ty_or_size, raw)
            if not 0 < ty_or_size <= len(data):
                raise InvalidArgumentError(
                    f"{source.name} has {len(data)} bytes: it cannot give {ty_or_size}."
                )
            return _sized(data[:ty_or_size], raw)
        address = linear(source, self, thread)
        if ty_or_size is None:
            ty_or_size = size_of_source(self, source)
        if isinstance(ty_or_size, Type):
            data = ty_or_size._load(self, address)
            return bytearray(data) if raw else ty_or_size._parse_at(data, self, address)
        return _sized(self._read_memory(address, ty_or_size), raw)

    def deref(
        self,
        source: AnySource,
        pointer_ty: Pointer[Value],
        *,
        thread: int | None = None,
    ) -> Value:
        """Read a pointer from a register or memory, then what it points to.

        `ctx.deref(regs.rsp, Pointer(U64, base_address=LogicalAddress(0x20)))` reads
        `[rsp+0x20]`.

        Parameters:
            source: where the pointer is.
            pointer_ty: its type.
            thread: as for `read`.

        Raises:
            As `read`.
        """
        instance(pointer_ty, Pointer, "A pointer's type", "pass one, as types.Pointer(types.U64)")
        pointer = self.read(source, pointer_ty, thread=thread)
        return self.read(pointer.address, pointer_ty.pointee_type, thread=thread)

    def is64b(self) -> bool:
        """Whether the processor is in 64-bit mode: always, in a recorded 64-bit program."""
        return True

    @property
    def thread(self) -> int:
        """Number of the thread that runs, from 1."""
        return self._registers()[0]

    @property
    def ossi(self) -> ContextOssi:
        """What the operating system knows about this moment: location and process."""
        from reven2.ossi.ossi import ContextOssi

        return ContextOssi(self)

    def variables(self, is_global: bool = False, frame: int | StackFrame = 0) -> list[Variable]:
        """The variables of the source in scope at this moment, from debug information: locals
        and parameters, the innermost block's first. If the function that runs was inlined, its
        own come first, then those of the function it was inlined into. An addition to the
        documented interface.

        Parameters:
            is_global: those outside of functions instead, of the same compile unit.
            frame: of the caller so many calls up the stack instead, or of a frame of
                `stack.frames()`.

        Returns:
            The variables; none where there is no debug information.
        """
        number = _frame_number(self, frame)
        found = self._trace._service.variables(self._id, frame=number, is_global=is_global)
        return [Variable(self, data) for data in found]

    def variable(self, name: str, frame: int | StackFrame = 0) -> Variable:
        """The variable that a name means at this moment: the innermost in scope, or a global
        one of any binary, in C++ by its qualified name. An addition to the documented
        interface.

        Parameters:
            name: its name.
            frame: as seen by the caller so many calls up the stack, or by a frame of
                `stack.frames()`.

        Raises:
            VariableReadError (a RuntimeError): there is none of that name.
        """
        text(name, "The name of a variable")
        number = _frame_number(self, frame)
        found = self._trace._service.variable(self._id, name, frame=number)
        if found is None:
            raise VariableReadError(f"There is no variable {name!r} in scope at {self}.")
        return Variable(self, found)

    @property
    def stack(self) -> Stack:
        """The call stack that the thread is on."""
        from reven2.stack import Stack

        return Stack(self)

    def diff(self, other: Context, limit: int = 1000) -> MomentDifference:
        """What differs between this moment and another one, of this trace or of another that is
        open the same way: registers, memory, blocks of the heap, descriptors. An addition to
        the documented interface.

        Parameters:
            other: the other moment.
            limit: differences to give of each kind, at most.

        Raises:
            InvalidArgumentError (a ValueError): the traces are not open the same way.

        Example:

            found = trace.context_before(10).diff(trace.context_before(500))
            print(found.registers[0].name, len(found.memory))
        """
        from reven2.difference import diff_moments

        return diff_moments(self, other, limit)

    def transition_before(self) -> Transition:
        """The transition that led here. Raises OutOfRangeError (an IndexError) at the first."""
        return self._trace.transition(self._id - 1)

    def transition_after(self) -> Transition:
        """The transition that follows. Raises OutOfRangeError (an IndexError) at the last."""
        return self._trace.transition(self._id)

    def find_register_change(
        self, register: Register | str, is_forward: bool = True
    ) -> Context | None:
        """The nearest context, in the direction, at which the register's value differs.

        Going forward, that is the first context with another value; going backward, the last
        one. A register is that of the thread that runs, so a thread switch may change it.

        Returns:
            That context, or None if the value never changes.

        Raises:
            RegisterReadError (a RuntimeError): it is not recorded.
        """
        register, is_forward = register_of(register), flag(is_forward, "is_forward")
        here: Context | None = self
        self._need(register)
        value = register.bits(self._view())
        while here is not None:
            number = self._trace._nearest(
                (
                    self._trace._service.find_register_change(
                        here._id,
                        field.offset,
                        field.size,
                        field.mask & (1 << 64) - 1,
                        is_forward,
                    )
                    for field in register.fields
                ),
                is_forward,
            )
            here = None if number is None else self._trace._context(number)
            if here is not None and register.bits(here._view()) != value:
                return here
        return None

    def find_memory_change(
        self, address: AnyAddress, size: int, is_forward: bool = True
    ) -> Context | None:
        """The nearest context, in the direction, at which a byte of a range differs.

        Going forward, that is the first context with other contents; going backward, the
        last one.

        Parameters:
            address: first byte of the range.
            size: bytes, at least 1.
            is_forward: the direction.

        Returns:
            That context, or None if the contents never change.

        Raises:
            InvalidArgumentError (a ValueError): an empty range.
        """
        size, is_forward = range_size(size), flag(is_forward, "is_forward")
        number = self._trace._service.find_memory_change(
            self._id, linear(address, self), size, is_forward
        )
        return None if number is None else self._trace._context(number)

    def search_in_memory(
        self, pattern: bytes | bytearray | str, address: AnyAddress, size: int
    ) -> Iterator[LinearAddress]:
        """Find a byte pattern in a range at this context.

        Parameters:
            pattern: the bytes, at least one; a str means its UTF-8 encoding.
            address: first byte of the range, which may reach over memory that is not mapped.
            size: bytes of the range; occurrences lie inside it.

        Returns:
            A generator of addresses, ascending.

        Raises:
            InvalidArgumentError (a ValueError): an empty pattern, or a negative size.
        """
        data, size = data_of(pattern), count(size, "The size of a memory range", 0)
        low = linear(address, self)
        return self._find_in_memory(data, low, min(low + size, 1 << 64))

    def _find_in_memory(self, pattern: bytes, low: int, high: int) -> Iterator[LinearAddress]:
        limit = 64
        while low + len(pattern) <= high:
            page = self._trace._service.find_in_memory(
                pattern, self._id, low, min(high - low, (1 << 64) - 1), limit=limit
            )
            yield from map(LinearAddress, column(page.address, "Q"))
            if page.next is None:
                return
            low, limit = page.next, min(limit * 4, 1 << 14)

    @property
    def framebuffer(self) -> NoReturn:
        """What is on the screen. The trace of a program alone has none.

        Raises:
            TraceError (a RuntimeError): always.
        """
        raise TraceError(
            "A trace of a program alone has no screen: only whole machines have a framebuffer."
        )

    def physical_memory_regions(self) -> Iterator[tuple[PhysicalAddress, int]]:
        """The mapped ranges at this context, as (address, size in bytes), ascending."""
        for mapped in self._trace._service.mapped_ranges(self._id):
            yield PhysicalAddress(mapped.start)._of(self._trace), mapped.stop - mapped.start

    def format_as_html(self) -> str:
        """The same as `str`, for embedding in HTML, with the number of the transition as its
        link."""
        return f"{str(self).partition('#')[0]}{self._neighbour().format_as_html()}"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __str__(self) -> str:
        count = self._trace.transition_count
        if self._id == count and count > 0:
            return f"Context after #{self._id - 1}"
        return f"Context before #{self._id}"

    __repr__ = __str__

    def _at(self, number: int) -> Context:
        return self._trace._context(number)

    def _neighbour(self) -> Transition:
        """The transition that follows, or the last one."""
        return self._trace.transition(min(self._id, self._trace.transition_count - 1))

    def _registers(self) -> tuple[int, bytes]:
        if self._state is None:
            if self._batch is None:
                trace = self._trace
                page = trace._registers.at(self._id, trace.transition_count)
                self._state = int.from_bytes(page.thread, "little"), page.view
            else:
                self._state = self._batch.at(self._index)
        return self._state

    def _pc(self) -> int:
        """The program counter; out of a page of transitions, which comes cheaper than all
        registers."""
        if self._id == self._trace.transition_count:
            return self._read_bits(x64.rip)
        return self._trace._pages.block_of(self._id).pc(self._id)

    def _view(self, thread: int | None = None) -> bytes:
        current, view = self._registers()
        if thread is None or integer(thread, "The number of a thread") == current:
            return view
        other = self._trace._service.thread_registers(thread, self._id)
        if other is None:
            raise RegisterReadError(f"Thread {thread} had not run yet at {self}.")
        return other

    def _need(self, register: Register) -> None:
        """Raises RegisterReadError if the trace does not say the register's value here."""
        imported = self._trace._info.imported
        if imported is not None:
            need_register(imported, register, self._id)

    def _read_bits(self, register: Register, thread: int | None = None) -> int:
        self._need(register)
        return register.bits(self._view(thread))

    def _read_memory(self, address: int, size: int) -> bytes:
        return self._trace._service.read_memory(self._id, address, size)

    def _read_known_memory(self, address: int, size: int) -> tuple[bytes, bytes]:
        return self._trace._service.read_known_memory(self._id, address, size)

    def _is_mapped(self, address: int, size: int) -> bool:
        return self._trace._service.is_mapped(address, size, self._id, self._id)

    def _of_register(self, data: bytes, ty: Type[Any], raw: bool) -> Any:
        if not raw:
            return ty.parse(data, self)
        size = ty.size(self)
        if size > len(data):
            raise InvalidArgumentError(f"{ty.name} takes {size} bytes, not {len(data)}.")
        return bytearray(data[:size])


def _frame_number(context: Context, frame: int | StackFrame) -> int:
    """How many calls up the stack a frame is, as call frame information counts them."""
    from reven2.stack import StackFrame, StackFrameType

    if not isinstance(frame, StackFrame):
        return count(frame, "The number of a frame, counted from 0, the one that runs,", 0)
    frames = list(context.stack.frames())
    if frame not in frames:
        raise InvalidArgumentError(
            f"This frame is not in the stack of {context}: take one of its stack.frames(), "
            f"not {frame!r}."
        )
    # Below a signal handler stands the code that ends the signal, a frame of its own there.
    above = frames[: frames.index(frame)]
    return len(above) + sum(one.type is StackFrameType.Interrupt for one in above)


def _sized(data: bytes, raw: bool) -> int | bytearray:
    if not raw and len(data) in _INTEGER_SIZES:
        return int.from_bytes(data, "little")
    return bytearray(data)
