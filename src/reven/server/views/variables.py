# SPDX-License-Identifier: Apache-2.0
"""The variables of the source at a moment."""

from __future__ import annotations

from typing import Literal

import msgspec

from reven.server.views.view import hexadecimal, view
from reven2._service import TraceService

__all__ = ["VIEWS"]

VARIABLES_LIMIT = 500
TEXT_LIMIT = 2000


class VariablesRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Those in scope in the frame so many up the stack, or the global ones of its file."""

    context: int
    frame: int = 0
    is_global: bool = False


class VariableRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """`text`: the value as gdb prints it, "" where it has none; `place`: the registers it is
    in, or the reason why it has no value. `address` and `size`: where in memory it is."""

    name: str
    kind: Literal["parameter", "local", "static", "global"]
    type: str
    text: str
    function: str = ""
    is_inlined: bool = False
    place: str = ""
    address: str = ""
    size: int = 0


class VariablesAnswer(msgspec.Struct, frozen=True):
    variables: list[VariableRow]


def variables(service: TraceService, request: VariablesRequest) -> VariablesAnswer:
    """Variables with their values, the innermost block's first."""
    rows = []
    for one in service.variables(request.context, frame=request.frame, is_global=request.is_global)[
        :VARIABLES_LIMIT
    ]:
        memory = one.location[0] if [piece.kind for piece in one.location] == ["memory"] else None
        registers = [piece.register for piece in one.location if piece.kind == "register"]
        rows.append(
            VariableRow(
                one.name,
                one.kind,
                one.type_name,
                one.text[:TEXT_LIMIT],
                one.function,
                one.is_inlined,
                ", ".join(registers) or ("" if one.data is not None else "optimized out"),
                "" if memory is None else hexadecimal(memory.address),
                0 if memory is None else memory.size,
            )
        )
    return VariablesAnswer(rows)


VIEWS = [view(variables, slow=True)]
