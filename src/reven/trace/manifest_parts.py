# SPDX-License-Identifier: Apache-2.0
"""What the writer and the readers of manifest.json share (docs/trace-format.md). Recording
imports this, and must start quickly: nothing of `reven2` here."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["FORMAT", "EndManifest", "EndSignal", "Mark", "Notice", "Successor", "TraceKind"]

FORMAT = 2
"""What is written. Format 1 says nothing of the machine: it was a program on x86-64."""

TraceKind = Literal["program", "machine"]


class Notice(msgspec.Struct, frozen=True):
    """One element of the manifest's `notices`."""

    kind: int
    detail: int = 0
    ip: int = 0
    value: int = 0
    text: str = ""


class Mark(msgspec.Struct, frozen=True):
    """What the program marked with a text."""

    transition: int
    text: str


class EndSignal(msgspec.Struct):
    """What the kernel said of the signal that ended a process: its si_code …"""

    code: int
    address: int = 0  # si_addr, of a fault
    sender: int = 0  # si_pid, of a signal that a process sent


class Successor(msgspec.Struct, frozen=True):
    """The program that replaced the recorded one (exec): the name of its trace, which was made
    beside this one, or "" if it was not recorded; the path of the program, or ""; and how it
    ended, as a sentence without its subject, or "" if that is not known."""

    trace: str = ""
    program: str = ""
    ending: str = ""


class EndManifest(msgspec.Struct, kw_only=True):
    """The part of a manifest that tells how the trace ends."""

    pid: int = 0
    end_reason: str | None = None  # None: it runs, or who recorded it was cut off
    end_code: int | None = None  # exit status, or signal number
    error: str = ""  # why the trace ends early: writing failed, or the recorder
    end_signal: EndSignal | None = None  # of the signal that ended it
    successor: Successor | None = None  # of a program that another replaced
    notices: list[Notice] = []  # what the recorder did otherwise than the processor
