# SPDX-License-Identifier: Apache-2.0
"""The recorded execution: transitions, and the contexts between them."""

from __future__ import annotations

from reven2.trace._context import Context
from reven2.trace._end import TraceEnd
from reven2.trace._exception import EventCategory, Exception
from reven2.trace._instruction import (
    ImmediateOperand,
    Instruction,
    MemoryOperand,
    Operand,
    RegisterOperand,
)
from reven2.trace._numbered import Numbered
from reven2.trace._trace import Thread, Trace
from reven2.trace._transition import Mode, Transition, TransitionType
from reven2.trace._variable import Variable, VariableKind, VariablePiece

__all__ = [
    "Context",
    "EventCategory",
    "Exception",
    "ImmediateOperand",
    "Instruction",
    "MemoryOperand",
    "Mode",
    "Numbered",
    "Operand",
    "RegisterOperand",
    "Thread",
    "Trace",
    "TraceEnd",
    "Transition",
    "TransitionType",
    "Variable",
    "VariableKind",
    "VariablePiece",
]
