# SPDX-License-Identifier: Apache-2.0
"""Addresses that callers pass as something else than an address or a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._arguments import wrong_type
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError
from reven2.memory_range import MemoryRange
from reven2.ossi.ossi import Location, Symbol
from reven2.place import Place

if TYPE_CHECKING:
    from reven2.trace import Context

__all__ = ["address_of"]


def address_of(source: object, context: Context, thread: int | None) -> int:
    """The linear address that an expression, a place or a symbol means at a context.

    Raises:
        InvalidArgumentError (a ValueError): it means none.
        ArgumentTypeError (a TypeError and ValueError): it cannot mean one.
    """
    service = context._trace._service
    if isinstance(source, str):
        found = service.resolve(source, context._id, thread=thread, wanted="address")
        assert found.address is not None
        return found.address
    if isinstance(source, Place):
        if source._data.address is None:
            raise InvalidArgumentError(f"{source} is a moment, not an address: pass an address.")
        return source._data.address
    if isinstance(source, Symbol):
        return _loaded(source, context)
    if isinstance(source, Register):
        raise wrong_type("An address", source, f"pass its value, context.read({source.name})")
    if isinstance(source, MemoryRange):
        raise wrong_type("An address", source, "pass its address and its size")
    if isinstance(source, Location):
        raise wrong_type("An address", source, "pass location.base_address + location.rva")
    if isinstance(source, float):
        raise wrong_type("An address", source, f"pass an int, such as int({source!r})")
    raise wrong_type(
        "An address", source, "pass an int, an address, or an expression as 'rsp+8' or 'main'"
    )


def _loaded(symbol: Symbol, context: Context) -> int:
    service = context._trace._service
    path = symbol.binary.path
    number = next((one.id for one in service.binaries() if one.path == path), None)
    loads = [] if number is None else service.symbol_entries(number, symbol.rva)
    standing = [one for one in loads if one.first_context <= context._id <= one.last_context]
    if not loads:
        raise InvalidArgumentError(f"{symbol} is not loaded in this trace: pass another symbol.")
    return (standing or loads)[0].start
