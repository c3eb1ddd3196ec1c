# SPDX-License-Identifier: Apache-2.0
"""Transitions that are no instruction."""

from __future__ import annotations

import enum

from reven2._printable import printable
from reven2._service import (
    KIND_END_SIGNAL,
    KIND_INTERRUPT,
    KIND_SIGNAL,
    KIND_SWITCH,
    EventData,
)
from reven2.trace._instruction import Instruction

__all__ = ["EventCategory", "Exception"]


class EventCategory(enum.Enum):
    """What kind of event a transition that is no instruction is."""

    Signal = KIND_SIGNAL
    """A signal is delivered to its handler."""
    ThreadSwitch = KIND_SWITCH
    """Another thread runs."""
    FatalSignal = KIND_END_SIGNAL
    """A signal ends the process."""
    Interrupt = KIND_INTERRUPT
    """An interrupt or exception of a machine goes to its handler."""


class Exception:
    """An event that changes the machine's state without an instruction of the program."""

    __slots__ = ("_data", "_related_instruction")

    def __init__(self, data: EventData, related_instruction: Instruction | None) -> None:
        self._data, self._related_instruction = data, related_instruction

    @property
    def category(self) -> EventCategory:
        """What kind of event it is."""
        return EventCategory(self._data.kind)

    @property
    def code(self) -> int:
        """The signal's number, or the interrupt's vector; for a thread switch, the number of the
        thread that runs next."""
        return self._data.next_thread if self._data.kind == KIND_SWITCH else self._data.signal

    @property
    def error_code(self) -> int:
        """What the processor pushed for its handler; 0 but for some exceptions of a machine."""
        return self._data.error_code

    @property
    def related_instruction(self) -> Instruction | None:
        """The instruction that the event cut short by faulting; None for an event that comes
        between two instructions."""
        return self._related_instruction

    @property
    def pc(self) -> int:
        """Where the interrupted thread was: the faulting instruction, or the next one."""
        return self._data.pc

    def __str__(self) -> str:
        data = self._data
        if data.kind == KIND_SWITCH:
            return f"switch from thread {data.thread} to thread {data.next_thread}"
        if data.kind == KIND_INTERRUPT:
            name = f" ({data.signal_name})" if data.signal_name else ""
            what = f"exception {data.signal}" if data.synchronous else f"interrupt {data.signal}"
            code = f", error code {data.error_code:#x}" if data.error_code else ""
            return printable(f"{what}{name}{code}")
        what = "ends the process" if data.kind == KIND_END_SIGNAL else "is delivered"
        return printable(f"signal {data.signal_name} ({data.signal}) {what}")

    def __repr__(self) -> str:
        return f"Exception({str(self)!r})"
