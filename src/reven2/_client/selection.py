# SPDX-License-Identifier: Apache-2.0
"""Transitions and addresses as what travels to other clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reven2._client.messages import AddressSelection, TransitionSelection
from reven2._client.numbers import hexadecimal
from reven2.address import LinearAddress, LogicalAddress, _AbstractAddress
from reven2.arch import x64
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2.trace import Trace, Transition

__all__ = ["address_selection", "transition_selection"]


def transition_selection(
    transition: Transition, trace: Trace, scenario: str
) -> TransitionSelection:
    """A transition of the trace.

    Raises:
        InvalidArgumentError (a ValueError): it is of another one.
    """
    if transition._trace != trace:
        raise InvalidArgumentError(
            f"Transition #{transition.id} is of the trace {transition._trace._info.name!r}, but "
            f"this server shows {trace._info.name!r}: publish it with the server it came from."
        )
    return TransitionSelection(trace._info.uuid, scenario, transition.id)


def address_selection(
    address: _AbstractAddress | int,
    trace: Trace,
    scenario: str,
    size: int | None = None,
    name: str | None = None,
) -> AddressSelection:
    """An address as memory of the trace.

    Raises:
        InvalidArgumentError (a ValueError): no positive size.
    """
    if size is not None and size < 1:
        raise InvalidArgumentError(f"A memory range has at least one byte, not {size}.")
    if isinstance(address, int):
        address = LinearAddress(address)
    segment = None
    # Only these have a base, and one that differs from moment to moment.
    if isinstance(address, LogicalAddress) and address.segment_register in (x64.fs, x64.gs):
        segment = address.segment_register.name
    return AddressSelection(
        trace._info.uuid,
        scenario,
        hexadecimal(address.offset),
        size,
        name or str(address),
        segment=segment,
    )
