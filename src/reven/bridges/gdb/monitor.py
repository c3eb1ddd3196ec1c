# SPDX-License-Identifier: Apache-2.0
"""What `monitor …` does in gdb: the moment, sessions, and questions that gdb has no command for."""

from __future__ import annotations

import re
from collections.abc import Callable

from reven.bridges.joined import Joined
from reven.bridges.machine import Machine
from reven.printable import printable_lines
from reven2.errors import RevenError
from reven2.preview.taint import origin
from reven2.session import AddressEvent

__all__ = ["Monitor"]

_HELP = """\
goto WHERE   go to a moment: #4242, 50%, first, last, main, parse.c:41
where        which moment this is, and what is there
publish      have the others of the session come here
follow       go to what others of the session select: now, if they did; else the next
             `continue` waits for it
origin EXPR  where a value comes from: rax, [rsp+8], a variable's address
help         this
"""
_STALE = (
    "gdb shows the moment before until its next step, or until you type:  "
    "maintenance flush register-cache\n"
)
_HOPS = 100


class Monitor:
    """The commands."""

    def __init__(self, machine: Machine, joined: Joined) -> None:
        self._machine, self._joined = machine, joined
        self.waits_for_others = False

    def run(self, line: str) -> str:
        """What a command prints."""
        name, _, rest = line.strip().partition(" ")
        command: Callable[[str], str] | None = {
            "goto": self._goto,
            "where": self._where,
            "publish": self._publish,
            "follow": self._follow,
            "origin": self._origin,
            "help": lambda _: _HELP,
            "": lambda _: _HELP,
        }.get(name)
        if command is None:
            return f"There is no monitor command {_short(name)}; there are:\n{_HELP}"
        try:
            # gdb writes to the terminal what it gets.
            return printable_lines(command(rest.strip()))
        except RevenError as error:
            return printable_lines(f"{error}\n")

    def arrived(self, context: int) -> None:
        """The program moved by itself."""
        self.waits_for_others = False
        self._joined.set_where(context)

    def next_selection(self, seconds: float) -> int | None:
        """The moment that others select within so many seconds."""
        event = self._joined.next_event(seconds)
        if event is None or event.transition is None:
            return None
        return event.transition.id

    def _goto(self, where: str) -> str:
        if not where:
            return "Say where to go: monitor goto #4242\n"
        place = self._machine.trace.resolve(_absolute(where), self._machine.context)
        if place.transition is None:
            return f"The trace never executes {_short(where)}: give another place, or a number.\n"
        self._machine.go(place.transition.id)
        return self._where("") + _STALE

    def _where(self, _: str) -> str:
        context = self._machine.context
        if context >= self._machine.count:
            return f"The end, after #{context - 1}: the process {self._machine.trace.end}.\n"
        transition = self._machine.trace.transition(context)
        location = transition.context_before().ossi.location()
        place = f"  {location}" if location is not None else ""
        return f"{transition}{place}  thread {transition.thread}\n"

    def _publish(self, _: str) -> str:
        if not self._joined.is_shared:
            return _NOT_SHARED
        shown = self._joined.show(self._machine.context)
        return "The others come here.\n" if shown else "Nobody else listens, or all are here.\n"

    def _follow(self, _: str) -> str:
        if not self._joined.is_shared:
            return _NOT_SHARED
        moment = None
        while (event := self._joined.next_event(0)) is not None:
            if not isinstance(event, AddressEvent) or event.transition is not None:
                moment = event.transition
        if moment is None:
            self.waits_for_others = True
            return "Nobody selected anything since: `continue` waits until somebody does.\n"
        self._machine.go(moment.id)
        return self._where("") + _STALE

    def _origin(self, what: str) -> str:
        if not what:
            return "Say of what: monitor origin rax\n"
        return f"{origin(self._machine.trace._context(self._machine.context), what, _HOPS)}\n"


_NOT_SHARED = (
    "The trace was opened by its path, and so has no session: give the bridge HOST:PORT/TRACE of "
    "a server.\n"
)


def _absolute(where: str) -> str:
    """gdb's users write numbers as they please."""
    return f"#{where}" if re.fullmatch(r"-?\d+", where) else where


def _short(text: str) -> str:
    return ascii(text[:80])
