# SPDX-License-Identifier: Apache-2.0
"""How a trace ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._printable import printable
from reven2._service import EndData
from reven2.address import LinearAddress

if TYPE_CHECKING:
    from reven2.trace._trace import Trace
    from reven2.trace._transition import Transition

__all__ = ["TraceEnd"]


class TraceEnd:
    """How and why a trace ends. Not meant to be constructed directly: see `Trace.end`."""

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: EndData) -> None:
        self._trace, self._data = trace, data

    @property
    def reason(self) -> str:
        """ "exit", "signal", "exec" (another program replaced it), "until" or "limit" (it ran
        on unrecorded), "recorder" (that ended it, in the middle) or "killed" (so suddenly that
        its last moments are missing)."""
        return self._data.reason

    @property
    def status(self) -> int | None:
        """The exit status; None unless it exited."""
        return self._data.status

    @property
    def signal(self) -> str:
        """The name of the signal that ended it, such as "SIGSEGV", or ""."""
        return self._data.signal_name

    @property
    def cause(self) -> str:
        """What the kernel said of the signal, in words, or ""."""
        return self._data.cause

    @property
    def transition(self) -> Transition | None:
        """The signal's transition; None for another end."""
        number = self._data.transition
        return None if number is None else self._trace.transition(number)

    @property
    def instruction(self) -> str:
        """The instruction that faulted, or ""."""
        return self._data.instruction

    @property
    def pc(self) -> LinearAddress | None:
        """Where the thread was that the signal hit."""
        return None if self._data.pc is None else LinearAddress(self._data.pc)

    @property
    def address(self) -> LinearAddress | None:
        """What the instruction could not access; None if it is not known."""
        return None if self._data.address is None else LinearAddress(self._data.address)

    @property
    def access(self) -> str:
        """ "read", "write" or "execute"; "" if it is not known."""
        return self._data.access

    @property
    def registers(self) -> dict[str, int]:
        """The registers that made the address, and what they held."""
        return {register.name: register.value for register in self._data.registers}

    @property
    def message(self) -> str:
        """What an aborting process wrote to its standard error, or ""."""
        return self._data.message

    @property
    def fault_of_recorder(self) -> str:
        """Why the end is the recorder's doing and what helps; "" if it is the program's."""
        return self._data.recorder

    @property
    def successor(self) -> str:
        """The name of the trace of the program that replaced this one (exec), which was made
        beside this trace; "" for another end, or if that program was not recorded."""
        return printable(self._data.successor)

    def __str__(self) -> str:
        return printable(self._data.sentence)

    def __repr__(self) -> str:
        return f"TraceEnd({str(self)!r})"
