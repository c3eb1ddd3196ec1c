# SPDX-License-Identifier: Apache-2.0
"""The one language for moments and places, in Python, commands and Axion.

    place   = moment | expression, of `reven.expressions`
    moment  = [ "#" ] number | [ "#" ] "-" number | share "%" | "first" | "last"

A plain number is a transition where a moment may be one, else an address.
"""

from __future__ import annotations

import re
from typing import cast

from reven.expressions import LONGEST, evaluate, symbol_of
from reven.places import place
from reven.trace.core import CoreQueries
from reven2._service import SymbolData, TraceService, column
from reven2._service.core import RangeData
from reven2._service.places import PlaceData, Wanted
from reven2.errors import InvalidArgumentError, OutOfRangeError

__all__ = ["PlaceQueries", "address_of", "next_run", "resolve"]

_NUMBER = re.compile(r"#?\s*(-?)\s*([0-9]{1,3}(?: [0-9]{3})+|[0-9]+(?:[,_][0-9]+)*)", re.ASCII)
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,20})?)\s*%", re.ASCII)
_DECIMAL = re.compile(r"\s*([0-9]{3,16})\s*", re.ASCII)
_NEAREST_LINES = 30
_LINES_LIMIT = 1 << 31


def resolve(
    service: TraceService,
    expression: str,
    context: int,
    *,
    thread: int | None = None,
    wanted: Wanted = "place",
    after: int | None = None,
) -> PlaceData:
    """What an expression means at a context.

    Parameters:
        thread: whose registers; default: those of the one that runs.
        wanted: what it is to be; a `place` is a moment or an address.
        after: the transition from which on the next run of an address is looked for; default:
            that after the context.

    Raises:
        InvalidArgumentError: it cannot be understood, or means something else than is wanted.
        OutOfRangeError: a moment outside the trace.
        MemoryReadError: memory that the expression reads cannot be read.
    """
    count = service.transition_count()
    if not 0 <= context <= count:
        raise OutOfRangeError(f"There is no context {context}: the trace has {count + 1}.")
    if len(expression) > LONGEST:
        raise InvalidArgumentError(f"An expression may have at most {LONGEST} characters.")
    if wanted != "address":
        number = _moment(expression.strip(), count, is_context=wanted == "context")
        if number is not None:
            return PlaceData(f"#{number}", number, None)
    if wanted in ("transition", "context"):
        raise _no_moment(service, expression, context, thread)
    read = address_of if wanted == "address" else evaluate
    address = read(service, context, expression, thread)
    symbol = symbol_of(service, expression)
    size = 0 if symbol is None else symbol.size
    if wanted == "address":
        return PlaceData(expression, None, address, size)
    run = next_run(service, address, context if after is None else after)
    standing = place(service, context, address)
    if standing is None and run is not None:
        standing = place(service, run, address)
    if standing is not None:
        return PlaceData(standing.text, run, address, size)
    return PlaceData(f"{address:#x}" if symbol is None else symbol.name, run, address, size)


def address_of(
    service: TraceService, context: int, expression: str, thread: int | None = None
) -> int:
    """The address that an expression means where only an address can be meant."""
    address = evaluate(service, context, expression, thread)
    _check_decimal(service, expression, context)
    return address


def next_run(service: TraceService, address: int, after: int) -> int | None:
    """The transition, from one on, that runs the instruction at an address, or else the last
    one before."""
    count = service.transition_count()
    if address + 1 >= 1 << 64:
        return None
    code = [(address, address + 1)]
    for start, stop, is_forward in ((after, count, True), (0, min(after, count), False)):
        if start < stop:
            page = service.find_pcs(code, start, stop, forward=is_forward, limit=1)
            if page.transition:
                return column(page.transition, "Q")[0]
    return None


def _moment(text: str, count: int, *, is_context: bool) -> int | None:
    """The number of the transition, or the context, that is written; None if none is."""
    total = count + 1 if is_context else count
    what = "context" if is_context else "transition"
    if text in ("first", "last"):
        number = 0 if text == "first" else total - 1
    elif (match := _SHARE.fullmatch(text)) is not None:
        share = float(match[1]) / 100
        if share > 1:
            raise OutOfRangeError(f"{text} is outside the trace: write 0% to 100%.")
        number = min(int(share * count), total - 1)
    elif (match := _NUMBER.fullmatch(text)) is not None:
        number = int(re.sub(r"[^0-9]", "", match[2]))
        number = count - number if match[1] else number
    else:
        return None
    if not 0 <= number < total:
        raise OutOfRangeError(
            f"There is no {what} {text[:40]}: the trace has {total:,}, counted from 0."
            if total
            else "The trace has no transitions."
        )
    return number


def _no_moment(
    service: TraceService, expression: str, context: int, thread: int | None
) -> InvalidArgumentError:
    shown = expression if len(expression) <= 60 else f"{expression[:59]}…"
    try:
        evaluate(service, context, expression, thread)
    except InvalidArgumentError:
        return InvalidArgumentError(
            f"{shown!r} is no moment: write the number of a transition, as 5 or #5, a share of "
            "the trace, as 50%, first or last."
        )
    return InvalidArgumentError(
        f"{shown!r} is an address, not a moment: where({shown!r}).transition is when it runs."
    )


def _check_decimal(service: TraceService, expression: str, context: int) -> None:
    """Addresses are often copied without their 0x."""
    match = _DECIMAL.fullmatch(expression)
    if match is None:
        return
    decimal, hexadecimal = int(match[1]), int(match[1], 16)
    if not service.is_mapped(decimal, 1, context, context) and service.is_mapped(
        hexadecimal, 1, context, context
    ):
        raise InvalidArgumentError(
            f"{expression.strip()!r} is a decimal number, {decimal:#x}, where nothing is mapped: "
            f"write {hexadecimal:#x}."
        )


class PlaceQueries(CoreQueries):
    """See `reven2._service.places`."""

    def resolve(
        self, expression: str, context: int, *, thread: int | None, wanted: Wanted
    ) -> PlaceData:
        # This class is a part of what answers them all.
        return resolve(
            cast("TraceService", self), expression, context, thread=thread, wanted=wanted
        )

    def symbols_named(self, name: str) -> list[SymbolData]:
        return self._ossi().named(name)

    def line_entries(self, file: str, line: int) -> list[RangeData]:
        found = self._line_entries(file, line)
        if found:
            return found
        for distance in range(1, _NEAREST_LINES):
            for near in (line + distance, line - distance):
                if near > 0 and self._line_entries(file, near):
                    raise InvalidArgumentError(
                        f"Line {line} of {file[:60]} has no code: the nearest with code is {near}."
                    )
        raise InvalidArgumentError(
            f"No executed binary has code of line {line} of {file[:60]!r}: check the name, and "
            "that it was compiled with -g or that its debug symbols are installed."
        )

    def _line_entries(self, file: str, line: int) -> list[RangeData]:
        if not 0 < line < _LINES_LIMIT:
            return []
        space = self._ossi().space
        return [
            RangeData(
                load.base_address + rva,
                load.base_address + rva + 1,
                load.first_context,
                load.last_context,
            )
            for load in space.loads()
            for rva in load.binary.addresses_of_line(file, line)
        ]
