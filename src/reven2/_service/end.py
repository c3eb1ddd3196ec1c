# SPDX-License-Identifier: Apache-2.0
"""How a trace ends, and what its program met."""

from __future__ import annotations

from typing import Protocol

import msgspec

from reven2._service.declared import query


class RegisterValue(msgspec.Struct, frozen=True):
    """A register's name and what it held."""

    name: str
    value: int


class EndData(msgspec.Struct, frozen=True, kw_only=True):
    """How a trace ends: `reason` is "exit", "signal", "exec", "until" or "limit";
    "recorder" if the recorder ended it in the middle, "killed" if the process was killed so that
    the recorder could not tell its end.

    Of an end by a signal: `transition`, its number; `cause`, si_code in words; `pc`,
    `instruction` and `code`, of the instruction that faulted; `address`, `access` ("read",
    "write", "execute" or "") and `registers`, of what it could not access and of what made
    that address; `message`, what the process wrote to standard error before it aborted;
    `recorder`, why it is not the program's fault but the recorder's, or "".

    Of an end by "exec": `successor`, the name of the trace of the program that replaced this
    one, which was made beside this trace, or "" if it was not recorded.
    """

    reason: str
    sentence: str = ""
    status: int | None = None
    signal: int = 0
    signal_name: str = ""
    cause: str = ""
    transition: int | None = None
    pc: int | None = None
    instruction: str = ""
    code: bytes = b""
    address: int | None = None
    access: str = ""
    registers: list[RegisterValue] = []
    message: str = ""
    recorder: str = ""
    successor: str = ""


class EndService(Protocol):
    """Queries on the end of a trace."""

    @query(slow=True)
    def end(self) -> EndData | None:
        """How the trace ends; None while it is recorded."""

    @query()
    def notices(self) -> list[str]:
        """What the program met that the recorder does otherwise, a sentence each."""
