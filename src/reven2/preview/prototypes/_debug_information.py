# SPDX-License-Identifier: Apache-2.0
"""Prototypes from debug information."""

from __future__ import annotations

from typing import Literal

from reven2._service import TraceService
from reven2._service.source import FunctionData, TypeData
from reven2.preview.prototypes._types import Function, Parameter, PrototypeType
from reven2.preview.prototypes.callconv_helper import CallConvHelper
from reven2.types._graph import BinaryTypes, types_of

_TRANSPARENT = ("typedef", "const", "volatile", "restrict", "atomic")


def function_of(
    service: TraceService, binary: int, data: FunctionData, call_conv: CallConvHelper
) -> Function:
    """The prototype that a binary's debug information has."""
    types = types_of(service, binary)
    types.add(data.graph)
    parameters = tuple(Parameter(one.name, _type(types, one.type)) for one in data.parameters)
    return Function(data.name, _type(types, data.returns), parameters, data.is_variadic, call_conv)


def _type(types: BinaryTypes, number: int) -> PrototypeType:
    data, stripped = types.data(number), _stripped(types, number)
    found = types.of(number)
    return PrototypeType(
        data.name, found.name, found, _text(types, stripped), stripped.is_by_reference
    )


def _stripped(types: BinaryTypes, number: int) -> TypeData:
    data = types.data(number)
    while data.kind in _TRANSPARENT:
        data = types.data(data.target)
    return data


def _text(types: BinaryTypes, data: TypeData) -> Literal[0, 1, 2, 4]:
    """Bytes of a character, if the type is a pointer to characters."""
    if data.kind == "pointer":
        target = _stripped(types, data.target)
        # Not `unsigned char` and `signed char`, which bytes are made of.
        if target.name == "char" or (target.kind == "character" and target.size in (2, 4)):
            return 1 if target.size == 1 else 2 if target.size == 2 else 4
    return 0
