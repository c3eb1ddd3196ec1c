# SPDX-License-Identifier: Apache-2.0
"""What a value points to, where it is an address."""

from __future__ import annotations

from typing import Literal

import msgspec

from reven.places import place
from reven.server.views.view import hexadecimal
from reven2._service import TraceService

__all__ = ["Pointee", "pointees"]

Area = Literal["code", "data", "stack", "heap", "other"]

_LOWEST = 0x1000
_READ = 48
_STEPS = 3
_SHORTEST_STRING = 3


class Pointee(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step along a pointer: what stands at the address, and the string or 8-byte value
    there. `area`: what kind of memory it is."""

    address: str
    area: Area
    place: str = ""
    string: str = ""
    value: str = ""


def pointees(service: TraceService, context: int, value: int) -> list[Pointee]:
    """The steps from a value on, none where it is no address of mapped memory."""
    found: list[Pointee] = []
    while len(found) < _STEPS and value >= _LOWEST:
        step = _pointee(service, context, value)
        if step is None:
            break
        found.append(step)
        if step.string or not step.value or step.area == "code":
            break
        value = int(step.value, 16)
        if any(hexadecimal(value) == earlier.address for earlier in found):
            break
    return found


def _pointee(service: TraceService, context: int, address: int) -> Pointee | None:
    if not service.is_mapped(address, 1, context, context):
        return None
    at = place(service, context, address)
    data, known = service.read_known_memory(context, address, _READ)
    area: Area = "other"
    if at is not None:
        if at.region.startswith(("[stack", "[heap")):
            area = "stack" if at.region.startswith("[stack") else "heap"
        elif at.binary:
            area = "code" if _is_code(service, context, address) else "data"
    string = "" if area == "code" else _string(data, known)
    whole = all(known[:8])
    value = hexadecimal(int.from_bytes(data[:8], "little")) if whole and area != "code" else ""
    return Pointee(hexadecimal(address), area, "" if at is None else at.text, string, value)


def _is_code(service: TraceService, context: int, address: int) -> bool:
    found = service.locate(context, address)
    if found is None or found.binary is None:
        return False
    if found.symbol is not None:
        return found.symbol.kind != "object"
    return any(part.start <= address < part.stop for part in service.binary_ranges(found.binary.id))


def _string(data: bytes, known: bytes) -> str:
    length = 0
    while length < len(data) and known[length] and _is_printable(data[length]):
        length += 1
    ends = length < len(data) and known[length] and data[length] == 0
    if length < _SHORTEST_STRING or not (ends or length == len(data)):
        return ""
    return data[:length].decode("ascii") + ("" if ends else "…")


def _is_printable(byte: int) -> bool:
    return 0x20 <= byte < 0x7F or byte in b"\t\n\r"
