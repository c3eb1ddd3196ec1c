# SPDX-License-Identifier: Apache-2.0
"""Arguments and return values of calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reven2._printable import printable
from reven2.arch.register import Register
from reven2.call import Call
from reven2.errors import InvalidArgumentError, RevenError
from reven2.preview.prototypes._types import Function, Parameter, PrototypeType
from reven2.preview.prototypes.callconv_helper import Place
from reven2.types import CString, Encoding, ExtendedFloat, PointerInstance, Type

if TYPE_CHECKING:
    from reven2.trace import Context, Transition

__all__ = ["CallSiteValues", "PointerValue"]

_LONGEST_TEXT = 4096


class PointerValue(int):
    """The value of an argument or a return value that is a pointer: an int, as documented, which
    also has all that a `types.PointerInstance` has: `address`, `deref()`, `pointee_type`,
    `cast_inner()` …
    """

    _pointer: PointerInstance[Any]

    def __new__(cls, pointer: PointerInstance[Any]) -> PointerValue:
        value = super().__new__(cls, pointer.offset)
        value._pointer = pointer
        return value

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self._pointer,)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._pointer, name)


class CallSiteValues:
    """Arguments and return value of one call. `str` is the call as it might be written in the
    source, `strlen("abc") = 3`. Not meant to be constructed directly: `call_site_values` of a
    function and `RevenPrototypes.calls` give it.

    Values are read as their types say. A pointer is an int that also knows what it points to
    (`PointerValue`); a pointer to characters is given as the string, if there is one.
    """

    def __init__(self, function: Function, call_transition: Transition) -> None:
        self._function, self._transition = function, call_transition

    @property
    def function(self) -> Function:
        """The prototype."""
        return self._function

    @property
    def call_transition(self) -> Transition:
        """The transition that entered the function."""
        return self._transition

    @property
    def return_transition(self) -> Transition | None:
        """The transition that returned to the caller; None if the call did not return."""
        found = self._call
        return None if found is None else found.return_transition

    def arg_n(self, index: int) -> Any:
        """The value of an argument.

        Parameters:
            index: its number, from 0.

        Raises:
            InvalidArgumentError (a ValueError): the prototype has no such parameter.
            MemoryReadError (a RuntimeError): it stands in memory that is not known.
        """
        if not 0 <= index < len(self._function.parameters):
            raise InvalidArgumentError(
                f"{self._function.name} has {len(self._function.parameters)} parameters: there "
                f"is no argument {index}. Count from 0; for what follows them, use varargs."
            )
        return self._value(self._function.parameters[index].type, self._places[index], True)

    def args(self) -> dict[str, Any]:
        """The values of all arguments, by the names of the parameters (`arg0` … where the
        prototype has none).

        Raises:
            MemoryReadError (a RuntimeError): one stands in memory that is not known.
        """
        return {
            parameter.name or f"arg{number}": self.arg_n(number)
            for number, parameter in enumerate(self._function.parameters)
        }

    def varargs(self, types: Sequence[PrototypeType | Type[Any]]) -> list[Any]:
        """The values of arguments behind the declared ones of a variadic function. An addition
        to the documented interface.

        Parameters:
            types: what was passed, after the promotions of C: no integer smaller than
                `types.I32`, no float smaller than `types.F64`.
        """
        declared = [one.type for one in self._function.parameters]
        more = [
            one if isinstance(one, PrototypeType) else PrototypeType(one.name, one.name, one)
            for one in types
        ]
        function = self._function
        places = function.call_conv.arguments(function.return_type, [*declared, *more])
        return [
            self._value(type_, place, True)
            for type_, place in zip(more, places[len(declared) :], strict=True)
        ]

    def ret(self) -> Any:
        """The return value; None for void, and if the call did not return.

        Raises:
            MemoryReadError (a RuntimeError): it stands in memory that is not known.
        """
        place = self._function.call_conv.returned(self._function.return_type)
        end = self.return_transition
        if place is None or end is None:
            return None
        return self._value(self._function.return_type, place, False, end.context_after())

    @cached_property
    def _entry(self) -> Context:
        return self._transition.context_after()

    @cached_property
    def _call(self) -> Call | None:
        trace = self._transition._trace
        data = trace._service.entered_call(self._transition.id)
        return None if data is None else Call(trace, data)

    @cached_property
    def _places(self) -> list[Place]:
        function = self._function
        types = [one.type for one in function.parameters]
        return function.call_conv.arguments(function.return_type, types)

    def _value(
        self,
        type_: PrototypeType,
        place: Place,
        is_argument: bool,
        context: Context | None = None,
    ) -> Any:
        context = context or self._entry
        if place.offset is not None:
            stack_pointer = context._read_bits(Register.from_name("rsp"))
            address = stack_pointer + place.offset & (1 << 64) - 1
            if place.is_pointer:
                address = int.from_bytes(context._read_memory(address, 8), "little")
            return self._shown(type_, context.read(address, type_.type), context)
        if place.is_pointer:
            register, _ = place.parts[0]
            # A structure that is returned by address has its value after the return.
            address = context._read_bits(Register.from_name(register))
            return self._shown(type_, context.read(address, type_.type), context)
        if isinstance(type_.type, ExtendedFloat):
            return context.read(Register.from_name("st0"))
        data = b""
        for name, size in place.parts:
            data += Register.from_name(name).raw_value(context._view())[:size]
        data = data.ljust(type_.size or 0, b"\0")
        return self._shown(type_, type_.type._parse_at(data, context, None), context)

    def _shown(self, type_: PrototypeType, value: Any, context: Context) -> Any:
        """A string for a pointer to one, an int for another pointer."""
        if not isinstance(value, PointerInstance):
            return value
        if type_.text not in (1, 2) or value == 0:
            return PointerValue(value)
        encoding = Encoding.Utf8 if type_.text == 1 else Encoding.Utf16
        try:
            return context.read(value.address, CString(encoding, max_character_count=_LONGEST_TEXT))
        except RevenError:
            return PointerValue(value)

    def __str__(self) -> str:
        words = [_argument(self, number) for number in range(len(self._function.parameters))]
        words += ["…"] * self._function.is_variadic
        result = ""
        if self._function.call_conv.returned(self._function.return_type) is not None:
            result = " = ?" if self.return_transition is None else f" = {_text(self.ret())}"
        return printable(f"{self._function.name}({', '.join(words)}){result}")

    def __repr__(self) -> str:
        return printable(f"<{self} at #{self._transition.id}>")


def _argument(values: CallSiteValues, number: int) -> str:
    parameter: Parameter = values.function.parameters[number]
    try:
        text = _text(values.arg_n(number))
    except RevenError:
        text = "?"
    return f"{parameter.name}={text}" if parameter.name else text


def _text(value: Any) -> str:
    if isinstance(value, PointerValue):
        return "NULL" if value == 0 else f"{value:#x}"
    if isinstance(value, str):
        return '"' + value.encode("unicode_escape").decode().replace('"', '\\"') + '"'
    return str(value)
