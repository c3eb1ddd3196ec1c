# SPDX-License-Identifier: Apache-2.0
"""Transitions and addresses as what travels to other clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._arguments import range_size, whole, wrong_type
from reven2._client.messages import AddressSelection, TransitionSelection
from reven2._client.numbers import ADDRESSES, LARGEST_EXACT, hexadecimal
from reven2.address import LinearAddress, LogicalAddress, _AbstractAddress
from reven2.arch import x64
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2._client.handle import Handle
    from reven2.trace import Transition

__all__ = ["address_selection", "transition_selection"]


def transition_selection(transition: Transition, server: Handle) -> TransitionSelection:
    """A transition of the server's trace.

    Raises:
        InvalidArgumentError (a ValueError): it is of another one.
        ArgumentTypeError (a TypeError too): it is none.
    """
    from reven2.place import Place
    from reven2.trace import Context, Transition

    given: object = transition
    found = given.transition if isinstance(given, Place) else given
    if not isinstance(found, Transition):
        number = None if isinstance(given, bool) else whole(given)
        if number is not None:
            advice = f"pass server.trace.transition({number})"
        elif isinstance(given, Context):
            advice = "pass its transition_before() or transition_after()"
        else:
            advice = "pass server.trace.transition(100), for example"
        raise wrong_type("What is published", given, advice)
    trace = server.trace
    if found._trace != trace:
        raise InvalidArgumentError(
            f"Transition #{found.id} is of the trace {found._trace._info.name!r}, but "
            f"this server shows {trace._info.name!r}: publish it with the server it came from."
        )
    return TransitionSelection(trace._info.uuid, server.scenario, found.id)


def address_selection(
    address: _AbstractAddress | int,
    server: Handle,
    size: int | None = None,
    name: str | None = None,
) -> AddressSelection:
    """An address as memory of the server's trace.

    Raises:
        InvalidArgumentError (a ValueError): no address, or no range of them.
        ArgumentTypeError (a TypeError too): an argument of another type.
    """
    from reven2.place import Place

    given: object = address
    found = given.address if isinstance(given, Place) else given
    if not isinstance(found, _AbstractAddress):
        number = None if isinstance(found, bool) else whole(found)
        if number is None:
            advice = "pass a number, or an address such as reven2.address.LinearAddress(0x1000)"
            raise wrong_type("What is published", given, advice)
        if not 0 <= number < ADDRESSES:
            raise InvalidArgumentError(
                f"{number:#x} is no address: pass a number from 0 to 2^64 - 1."
            )
        found = LinearAddress(number)
    if size is not None:
        size = range_size(size)
        if size > min(ADDRESSES - found.offset, LARGEST_EXACT):
            raise InvalidArgumentError(f"{size} bytes at {found} reach beyond all memory.")
    if name is not None and not isinstance(name, str):
        raise wrong_type("The name of an address", name, "pass a str")
    segment = None
    # Only these have a base, and one that differs from moment to moment.
    if isinstance(found, LogicalAddress) and found.segment_register in (x64.fs, x64.gs):
        segment = found.segment_register.name
    return AddressSelection(
        server.trace._info.uuid,
        server.scenario,
        hexadecimal(found.offset),
        size,
        name or str(found),
        segment=segment,
    )
