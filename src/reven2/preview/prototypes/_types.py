# SPDX-License-Identifier: Apache-2.0
"""Functions, their parameters and the types of these, as prototypes declare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from reven2._printable import printable
from reven2.types import Incomplete, Type

if TYPE_CHECKING:
    from reven2.preview.prototypes._values import CallSiteValues
    from reven2.preview.prototypes.callconv_helper import CallConvHelper
    from reven2.trace import Context, Transition

__all__ = ["Function", "Parameter", "PrototypeType", "TranslationUnit"]


@dataclass(frozen=True)
class PrototypeType:
    """A type in a prototype.

    Attributes:
        name: as the prototype spells it: `const char *`, `HANDLE`.
        canonical: the same without typedefs and qualifiers.
        type: how values are read.
        text: of a pointer to characters, how many bytes each has (1, 2 or 4); else 0. Such an
            argument is shown as the string.
        is_by_reference: whether values are passed by a hidden pointer (C++ classes that cannot
            be copied byte by byte).
    """

    name: str
    canonical: str
    type: Type[Any]
    text: Literal[0, 1, 2, 4] = 0
    is_by_reference: bool = False

    @property
    def size(self) -> int | None:
        """Bytes; None for what has no size, as void."""
        if isinstance(self.type, Incomplete):
            return None
        return self.type.size(cast("Context", _SixtyFour()))

    def __str__(self) -> str:
        return printable(self.name)


class _SixtyFour:
    """What sizes ask of a context; prototypes are those of 64-bit programs."""

    def is64b(self) -> bool:
        return True


@dataclass(frozen=True)
class Parameter:
    """A parameter: `name`, "" where the prototype has none, and `type`."""

    name: str
    type: PrototypeType

    def __str__(self) -> str:
        return printable(_declared(self.type, self.name))


def _declared(type_: PrototypeType, name: str) -> str:
    """How C declares a name of a type."""
    if "(*)" in type_.name:
        return type_.name.replace("(*)", f"(*{name})", 1)
    gap = "" if type_.name.endswith("*") else " "
    return f"{type_.name}{gap}{name}".rstrip()


@dataclass(frozen=True)
class Function:
    """A function's prototype.

    Attributes:
        name: its name.
        return_type: the type of what it returns.
        parameters: its parameters in their order.
        is_variadic: whether more arguments may follow.
        call_conv: how arguments are passed.
    """

    name: str
    return_type: PrototypeType
    parameters: tuple[Parameter, ...]
    is_variadic: bool
    call_conv: CallConvHelper

    def call_site_values(self, call_transition: Transition) -> CallSiteValues:
        """Arguments and return value of one call.

        Parameters:
            call_transition: the transition that enters the function: a call, or a jump in
                place of one.
        """
        from reven2.preview.prototypes._values import CallSiteValues

        return CallSiteValues(self, call_transition)

    def __str__(self) -> str:
        words = [str(one) for one in self.parameters] + ["..."] * self.is_variadic
        return printable(f"{_declared(self.return_type, self.name)}({', '.join(words) or 'void'});")


@dataclass(frozen=True)
class TranslationUnit:
    """What a piece of C source declares.

    Attributes:
        functions: its functions, in their order.
        unknown_types: names used as types that nothing declares; they are taken for integers of
            8 bytes.
        diagnostics: what could not be understood, a sentence each.
    """

    functions: tuple[Function, ...]
    unknown_types: tuple[str, ...]
    diagnostics: tuple[str, ...]
