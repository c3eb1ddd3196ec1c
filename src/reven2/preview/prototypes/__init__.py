# SPDX-License-Identifier: Apache-2.0
"""Arguments and return values of calls, by the prototypes of functions.

Prototypes are written in C, or taken from the debug information of the trace's binaries;
those of the C library's common functions are built in::

    prototypes = reven2.preview.prototypes.RevenPrototypes(server)
    for call in prototypes.calls("strlen"):
        print(call)  # strlen(s="hello") = 5
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Final

from reven2._client.named import VARIANT
from reven2.errors import InvalidArgumentError
from reven2.ossi.ossi import Ossi, Symbol
from reven2.preview.prototypes import callconv_helper
from reven2.preview.prototypes._debug_information import function_of
from reven2.preview.prototypes._types import (
    Function,
    Parameter,
    PrototypeType,
    TranslationUnit,
)
from reven2.preview.prototypes._values import CallSiteValues, PointerValue
from reven2.preview.prototypes.callconv_helper import CallConvHelper, Ms64, Sysv64
from reven2.util import collate

if TYPE_CHECKING:
    from reven2._client.server import OpenTrace
    from reven2.trace import Context, Transition

__all__ = [
    "CallSiteValues",
    "CallingConventions",
    "Function",
    "Parameter",
    "PointerValue",
    "PrototypeType",
    "RevenPrototypes",
    "TranslationUnit",
    "callconv_helper",
]


class CallingConventions:
    """The calling conventions that are known.

    Attributes:
        Sysv64: that of Linux on x86-64.
        Ms64: that of Windows on x86-64.
    """

    Sysv64: Final[CallConvHelper] = Sysv64()
    Ms64: Final[CallConvHelper] = Ms64()


class RevenPrototypes:
    """Parses prototypes and reads the calls that a trace has of them.

    Parameters:
        server: what `reven2.open` or `reven2.RevenServer` gives.
    """

    def __init__(self, server: OpenTrace) -> None:
        self._server = server

    @property
    def calling_conventions(self) -> CallingConventions:
        """The calling conventions: `.Sysv64`, `.Ms64`."""
        return CallingConventions()

    def parse_one_function(
        self, prototype: str, call_conv: CallConvHelper | None = None
    ) -> Function:
        """The function that a piece of C declares.

        Parameters:
            prototype: a declaration that ends with `;`, behind those of structures and typedefs
                that it needs: `struct p { int x; }; int area(struct p *one, double scale);`.
                Comments may stand in it, directives are ignored. Names of types that nothing
                declares are taken for integers of 8 bytes.
            call_conv: how arguments are passed (default: as on Linux).

        Raises:
            InvalidArgumentError (a ValueError): it declares no function, or several.
        """
        unit = self.parse_translation_unit(prototype, call_conv)
        if len(unit.functions) != 1:
            problems = "".join(f" {one}." for one in unit.diagnostics)
            raise InvalidArgumentError(
                f"This declares {len(unit.functions)} functions, not one.{problems} Write one "
                "prototype that ends with a semicolon, or use parse_translation_unit."
            )
        return unit.functions[0]

    def parse_translation_unit(
        self, source: str, call_conv: CallConvHelper | None = None
    ) -> TranslationUnit:
        """Everything that a piece of C source declares, as far as it can be understood.

        Parameters:
            source: declarations and definitions; macros are not expanded.
            call_conv: how arguments are passed (default: as on Linux); also what says how large
                `long` and `wchar_t` are.
        """
        from reven2.preview.prototypes._parse import parse

        return parse(source, call_conv or CallingConventions.Sysv64)

    def function(self, symbol: Symbol | str) -> Function | None:
        """The prototype of a function: from the debug information of its binary, else of
        another that declares it, else from those of the C library. An addition to the
        documented interface.

        Parameters:
            symbol: the function, or its name in symbol tables.

        Returns:
            None if no prototype is known.
        """
        names = [name.removesuffix("@plt") for name in _names(symbol)]
        service = self._server.ossi._service
        binaries = [binary._id for binary in Ossi(service).executed_binaries()]
        if isinstance(symbol, Symbol):
            own = symbol.binary._id
            binaries.sort(key=lambda number: number != own)
        for number, name in product(binaries, names):
            found = service.find_function(number, name)
            if found is not None:
                function = function_of(service, number, found, CallingConventions.Sysv64)
                return self._with_names(function)
        return next((self._library[name] for name in names if name in self._library), None)

    def _with_names(self, function: Function) -> Function:
        """Headers may declare functions without the names of their parameters."""
        known = self._library.get(function.name)
        is_same = known is not None and len(known.parameters) == len(function.parameters)
        if known is None or not is_same or any(one.name for one in function.parameters):
            return function
        return known

    def calls(
        self,
        symbol: Symbol | str,
        prototype: Function | None = None,
        from_context: Context | int | None = None,
        to_context: Context | int | None = None,
    ) -> Iterator[CallSiteValues]:
        """The calls of a function, in their order, each with its arguments and return value. An
        addition to the documented interface.

        Parameters:
            symbol: the function, or its name in symbol tables.
            prototype: its prototype; default: that which `function` finds.
            from_context: where to begin (default: at the first).
            to_context: where to end (default: at the last).

        Raises:
            InvalidArgumentError (a ValueError): no prototype is known, or the trace has no
                function of that name.
        """
        found = prototype or self.function(symbol)
        name = symbol if isinstance(symbol, str) else symbol.source_name
        if found is None:
            raise InvalidArgumentError(
                f"No prototype of {name} is known: pass one that parse_one_function gives."
            )
        return self._calls(self._symbols(symbol), found, from_context, to_context)

    def _calls(
        self,
        symbols: list[Symbol],
        function: Function,
        from_context: Context | int | None,
        to_context: Context | int | None,
    ) -> Iterator[CallSiteValues]:
        before = -1
        streams = [self._entering(one, from_context, to_context) for one in symbols]
        for transition in collate(streams):
            # A call by way of a PLT stub is one of the stub and of what it jumps to.
            if transition.id != before:
                yield CallSiteValues(function, transition)
            before = transition.id

    def _entering(
        self,
        symbol: Symbol,
        from_context: Context | int | None,
        to_context: Context | int | None,
    ) -> Iterator[Transition]:
        """The transitions that enter a function, by a call or a jump in place of one."""
        trace = self._server.trace
        if symbol._data.kind == "plt":
            for context in trace.search.symbol(symbol, from_context, to_context):
                yield context.transition_before()
            return
        for call in trace.calls(symbol, from_context, to_context):
            if call.call_transition is not None:
                yield call.call_transition

    def _symbols(self, symbol: Symbol | str) -> list[Symbol]:
        """Everything that stands for a function."""
        if isinstance(symbol, Symbol) and not symbol._data.is_resolver:
            return [symbol]
        names = _names(symbol)
        name = "|".join(map(re.escape, names))
        # Where the name is that of a resolver, the function is one of its variants, which only
        # a symbol table that was not stripped names; calls by way of a PLT are found anyway.
        pattern = rf"^((?:{name})(@plt)?|__(?:{name}){VARIANT})$"
        found = [
            one
            for one in self._server.ossi.symbols(pattern)
            if not one._data.is_resolver
            and any(re.match(pattern, name) for name in one._data.names)
        ]
        if not found:
            raise InvalidArgumentError(
                f"No executed binary has a function {names[0]}: check the name, or give a symbol "
                "of server.ossi.symbols."
            )
        return found

    @cached_property
    def _library(self) -> dict[str, Function]:
        from reven2.preview.prototypes._libc import SOURCE

        unit = self.parse_translation_unit(SOURCE)
        return {function.name: function for function in unit.functions}


def _names(symbol: Symbol | str) -> tuple[str, ...]:
    return (symbol,) if isinstance(symbol, str) else symbol._data.names
