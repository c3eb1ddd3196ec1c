# SPDX-License-Identifier: Apache-2.0
"""Moments that callers pass: a transition, a context, a number, or as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeAlias

from reven2._arguments import count, instance, integer, shown, whole, wrong_type
from reven2.arch.register import Register
from reven2.errors import ArgumentTypeError, InvalidArgumentError
from reven2.memhist import MemoryAccessOperation
from reven2.ossi.process import Process
from reven2.place import Place
from reven2.trace._moment import Moment
from reven2.types import Type

if TYPE_CHECKING:
    from reven2.trace._context import Context
    from reven2.trace._trace import Trace
    from reven2.trace._transition import Transition

LARGEST_READ = 64 << 20
"""Bytes of one read; a server gives no more either."""
_OPERATIONS = {one.value: one for one in MemoryAccessOperation}
MomentKind = Literal["transition", "context"]
AnyMoment: TypeAlias = "Transition | Context | Place | SupportsIndex | str"
"""What may be passed as a moment; a str is as people write one: `"50%"`."""


def moment_number(trace: Trace, value: object, kind: MomentKind) -> int:
    """The number of a moment, which may lie outside of the trace if a number was passed.

    Raises:
        InvalidArgumentError (a ValueError): of another trace, or text that is no moment.
        ArgumentTypeError (a TypeError too): nothing that is a moment.
        OutOfRangeError (an IndexError): text that is a moment outside of the trace.
    """
    if isinstance(value, Moment):
        if value._trace != trace:
            raise InvalidArgumentError(
                f"{value} is of the trace {value._trace._info.name!r}, not of "
                f"{trace._info.name!r}: pass one of that trace."
            )
        return value._id
    if isinstance(value, Place):
        if value._data.transition is None:
            raise InvalidArgumentError(f"{value} is never executed: pass another place.")
        return value._data.transition
    if isinstance(value, str):
        found = trace._service.resolve(value, 0, thread=None, wanted=kind)
        assert found.transition is not None
        return found.transition
    number = None if isinstance(value, bool) else whole(value)
    if number is None:
        article = "a" if kind == "transition" else "a context or"
        raise wrong_type(
            f"{'A transition' if kind == 'transition' else 'A context'}",
            value,
            f"pass {article} transition, its number such as 5, or '50%'",
        )
    return number


def one_number(trace: Trace, value: object, kind: MomentKind) -> int:
    """The same where the one of a number is asked for, not a bound."""
    other = "context" if kind == "transition" else "transition"
    if isinstance(value, Moment) and type(value).__name__.lower() != kind:
        raise ArgumentTypeError(
            f"{value} is a {other}, not a {kind}: use its "
            f"{'transition_after' if kind == 'transition' else 'context_before'}()."
        )
    return moment_number(trace, value, kind)


def register_of(value: object) -> Register:
    """A register that is passed, or named."""
    if isinstance(value, str):
        return Register.from_name(value.strip())
    if not isinstance(value, Register):
        raise wrong_type("A register", value, "pass its name, 'rax', or reven2.arch.x64.rax")
    return value


def source_and_type(source: Any, ty_or_size: object) -> tuple[Any, Any]:
    """What is read, a register where its name is passed, and its type or size or None."""
    if isinstance(ty_or_size, Register) or (
        isinstance(source, Type) and not isinstance(ty_or_size, Type)
    ):
        raise ArgumentTypeError(
            f"The arguments of read are swapped: write read({_word(ty_or_size)}, {_word(source)})."
        )
    if isinstance(source, str) and source.strip().lower().rstrip("_") in Register._by_name:
        source = Register.from_name(source.strip())
    if ty_or_size is None or isinstance(ty_or_size, Type):
        return source, ty_or_size
    if isinstance(ty_or_size, type):
        is_ours = issubclass(ty_or_size, Type)
        name = ty_or_size.__name__
        advice = f"make one, as types.{name}(…)" if is_ours else "pass 8 or reven2.types.U64"
        raise wrong_type("A type", ty_or_size, advice)
    if isinstance(ty_or_size, str):
        raise wrong_type("A size", ty_or_size, "pass a number of bytes, or reven2.types.U64")
    size = integer(ty_or_size, "A size")
    if size < 0:
        raise InvalidArgumentError(f"A size is a number of bytes, not {size}.")
    if not isinstance(source, Register) and size > LARGEST_READ:
        raise InvalidArgumentError(
            f"One read gives at most {LARGEST_READ} bytes, not {size}: read in parts."
        )
    return source, size


def size_of_source(context: Context, source: object) -> int:
    """How many bytes are read where none are asked for: those of a symbol that is named."""
    size = context._trace._size_of(source)
    if size is None:
        shown_source = source if isinstance(source, str) else "address"
        raise InvalidArgumentError(
            f"Reading memory takes a type or a number of bytes: write read({shown_source!r}, 8)."
            if isinstance(source, str)
            else "Reading memory takes a type or a number of bytes: write read(address, 8)."
        )
    return count(size, "The size of a symbol")


def _word(value: object) -> str:
    return value.name if isinstance(value, Register | Type) else str(shown(value))


def operation_of(value: object) -> MemoryAccessOperation:
    """A kind of access that is passed, or named."""
    if isinstance(value, str):
        value = _OPERATIONS.get(value.lower(), value)
    advice = "pass reven2.memhist.MemoryAccessOperation.Read or .Write"
    return instance(value, MemoryAccessOperation, "operation", advice)


def processes_of(processes: Iterable[Process] | Process) -> list[Process]:
    """Processes that are passed, or one."""
    listed = list(processes) if isinstance(processes, Iterable) else [processes]
    advice = "pass processes of server.ossi.executed_processes()"
    return [instance(one, Process, "A process", advice) for one in listed]
