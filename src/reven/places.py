# SPDX-License-Identifier: Apache-2.0
"""What stands at an address, in the words that are painted."""

from __future__ import annotations

from pathlib import PurePosixPath

import msgspec

from reven2._service import LocationData, TraceService

__all__ = ["Place", "function_name", "place"]


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """`text` is the whole, short: `main+0x12`, `libc.so.6+0x1f40`, `[stack]`. `symbol` with
    the `offset` in it, `binary` (path), `region` (`[stack]`, a data file), and the source
    line are there where known."""

    text: str
    symbol: str = ""
    offset: int = 0
    binary: str = ""
    region: str = ""
    file: str = ""
    line: int = 0


def place(service: TraceService, context: int, address: int) -> Place | None:
    """The place of an address at a context; None where nothing is mapped."""
    found = service.locate(context, address)
    return None if found is None else _place(found)


def function_name(service: TraceService, context: int, address: int) -> str:
    """The name of the function that is entered at an address."""
    found = service.locate(context, address)
    return f"{address:#x}" if found is None else _place(found).text


def _place(found: LocationData) -> Place:
    file, line = found.file or "", found.line or 0
    binary = found.binary.path if found.binary is not None else ""
    if found.symbol is not None:
        name = found.symbol.demangled_name or found.symbol.name
        offset = found.rva - found.symbol.rva
        text = name if offset == 0 else f"{name}+{offset:#x}"
        return Place(text, name, offset, binary, found.region, file, line)
    if binary:
        text = f"{PurePosixPath(binary).name}+{found.rva:#x}"
        return Place(text, "", found.rva, binary, found.region, file, line)
    text = PurePosixPath(found.region).name or found.region
    return Place(text, "", found.rva, "", found.region)
