# SPDX-License-Identifier: Apache-2.0
"""An editor's breakpoints, as addresses and memory of a trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from reven.bridges.machine import Condition, Machine, Stop, Watchpoint
from reven2.errors import RevenError

__all__ = ["Breakpoints"]

_MOST_TARGETS = 50
_MOST_WATCHED = 1 << 20
_KINDS: dict[str, Literal["write", "read", "access"]] = {
    "write": "write",
    "read": "read",
    "readWrite": "access",
}


@dataclass
class _Point:
    """A breakpoint: its number for the editor, and where it stops."""

    id: int
    group: str
    addresses: list[int]
    conditions: list[Condition]
    watchpoint: Watchpoint | None = None


class Breakpoints:
    """All breakpoints of an editor, which sets those of a file or a kind anew each time."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._points: list[_Point] = []
        self._next_id = 1

    def hit(self, stop: Stop) -> list[int]:
        """The numbers of those that a stop is at."""
        if stop.reason == "breakpoint":
            pc = self._machine.pc()
            return [one.id for one in self._points if pc in one.addresses]
        if stop.watchpoint is None:
            return []
        return [one.id for one in self._points if one.watchpoint == stop.watchpoint]

    def set_lines(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        """Of one source file."""
        path = str(arguments["source"]["path"])
        wanted = arguments.get("breakpoints") or []
        return self._set(f"line {path}", wanted, lambda one: self._entries(path, int(one["line"])))

    def set_functions(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        """At the entry of functions."""
        return self._set("function", arguments["breakpoints"], lambda one: self._at(one["name"]))

    def set_instructions(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        """At addresses."""

        def address(one: dict[str, Any]) -> list[int]:
            return [int(str(one["instructionReference"]), 0) + int(one.get("offset") or 0)]

        return self._set("instruction", arguments["breakpoints"], address)

    def data_info(
        self, arguments: dict[str, Any], memory_of: Callable[[int, str], tuple[int, int] | None]
    ) -> dict[str, Any]:
        """What can be watched: a variable, or bytes at an address."""
        name = str(arguments["name"])
        if arguments.get("asAddress"):
            place: tuple[int, int] | None = (int(name, 0), int(arguments.get("bytes") or 1))
        else:
            place = memory_of(int(arguments.get("variablesReference") or 0), name)
        if place is None:
            return {"dataId": None, "description": f"{name} is not in memory."}
        address, size = place
        return {
            "dataId": f"{address:#x}/{size}",
            "description": f"{name}: {size} bytes at {address:#x}",
            "accessTypes": list(_KINDS),
        }

    def set_data(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        """On memory."""
        self._points = [one for one in self._points if one.group != "data"]
        answers = []
        for one in arguments["breakpoints"]:
            address, _, size = str(one["dataId"]).partition("/")
            length = max(1, min(int(size), _MOST_WATCHED))
            kind = _KINDS[one.get("accessType") or "write"]
            watched = Watchpoint(kind, int(address, 0), length, changes=kind == "write")
            answers.append(self._add("data", [], [], watched))
        self._apply()
        return answers

    def runs_of(self, path: str, line: int, context: int) -> list[int]:
        """Transitions at which a line begins to run: those around a moment."""
        service, count = self._machine.service, self._machine.count
        ranges = [(address, address + 1) for address in self._entries(path, line)]
        if not ranges:
            return []
        from reven2._service import column

        found: list[int] = []
        for start, stop, forward in ((0, context, False), (context, count, True)):
            if start < stop:
                page = service.find_pcs(
                    ranges, start, stop, forward=forward, limit=_MOST_TARGETS // 2
                )
                found += column(page.transition, "Q")[: _MOST_TARGETS // 2]
        return sorted(set(found))

    def _set(
        self,
        group: str,
        wanted: list[dict[str, Any]],
        addresses_of: Callable[[dict[str, Any]], list[int]],
    ) -> list[dict[str, Any]]:
        self._points = [one for one in self._points if one.group != group]
        answers = []
        for one in islice(wanted, 1000):
            try:
                addresses = addresses_of(one)
                conditions = [self._condition(one["condition"])] if one.get("condition") else []
            except RevenError as error:
                answers.append({"verified": False, "message": str(error)})
                continue
            answer = self._add(group, addresses, conditions)
            if "line" in one:
                answer["line"] = one["line"]
            if not addresses:
                answer |= {"verified": False, "message": "Nothing of it was ever executed."}
            answers.append(answer)
        self._apply()
        return answers

    def _add(
        self,
        group: str,
        addresses: list[int],
        conditions: list[Condition],
        watched: Watchpoint | None = None,
    ) -> dict[str, Any]:
        point = _Point(self._next_id, group, addresses, conditions, watched)
        self._next_id += 1
        self._points.append(point)
        return {"id": point.id, "verified": True}

    def _apply(self) -> None:
        merged: dict[int, list[Condition]] = {}
        for point in self._points:
            for address in point.addresses:
                if not point.conditions:
                    merged[address] = []
                elif merged.get(address, point.conditions):
                    merged.setdefault(address, []).extend(point.conditions)
        self._machine.breakpoints = merged
        self._machine.watchpoints = [one.watchpoint for one in self._points if one.watchpoint]

    def _entries(self, path: str, line: int) -> list[int]:
        executed = self._machine.service.source_lines(path)
        for one in executed:
            if one.line == line:
                return list(one.entries)
        return []

    def _at(self, name: object) -> list[int]:
        address = self._machine.trace.resolve(str(name), self._machine.context).address
        return [] if address is None else [address.offset]

    def _condition(self, text: object) -> Condition:
        """`NAME OPERATOR NUMBER`, of a variable or register."""
        from reven.bridges.dap.conditions import condition_of

        return condition_of(self._machine, str(text))
