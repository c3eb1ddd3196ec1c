# SPDX-License-Identifier: Apache-2.0
"""What a listener of a session receives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reven2._client import messages as wire
from reven2._printable import printable
from reven2.address import LinearAddress, LogicalAddress, _AbstractAddress
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError

if TYPE_CHECKING:
    from reven2.trace import Trace, Transition

__all__ = ["AddressEvent", "Event", "TransitionEvent", "event_of"]


@dataclass(frozen=True)
class Event:
    """Something that a client published to a session.

    Attributes:
        session: name of the session.
        sequence: number in the session, given by the server: of two events, all listeners
            see the one of the lower number first.
        epoch: names the server's life; numbers of different ones cannot be compared.
        time: when the server took it in, in seconds since 1970 (UTC).
        origin: who published: `client` (id on the server), `name` and `kind`.
        gap: whether events before this one were left out, because this client was slow or
            away for long, or the server was started anew.
        scenario: name of the trace that it is about.
    """

    session: str
    sequence: int
    epoch: str
    time: float
    origin: wire.Origin
    gap: bool
    scenario: str
    _selection: wire.Selection = field(repr=False)
    _trace: Trace = field(repr=False)

    @property
    def is_of_this_trace(self) -> bool:
        """Whether it is about the trace that this client is connected to."""
        return self._selection.trace == self._trace._info.uuid

    def _transition(self, number: int) -> Transition:
        if not self.is_of_this_trace:
            raise InvalidArgumentError(
                f"The event is about the scenario {self.scenario!r}, which this client is not "
                f"connected to: use RevenServer(…, scenario={self.scenario!r})."
            )
        return self._trace.transition(number)


class TransitionEvent(Event):
    """A client selected a transition."""

    @property
    def transition_id(self) -> int:
        """Number of the transition."""
        assert isinstance(self._selection, wire.TransitionSelection)
        return self._selection.transition

    @property
    def transition(self) -> Transition:
        """The transition.

        Raises:
            InvalidArgumentError (a ValueError): it is of another trace.
        """
        return self._transition(self.transition_id)

    def __str__(self) -> str:
        return f"#{self.transition_id}"


class AddressEvent(Event):
    """A client selected an address."""

    @property
    def address(self) -> _AbstractAddress:
        """The address: linear, or logical for one relative to fs or gs."""
        selection = self._address_selection
        trace = self._trace if self.is_of_this_trace else None
        if selection.segment is not None:
            register = Register.from_name(selection.segment)
            return LogicalAddress(selection.offset, register)._of(trace)
        return LinearAddress(selection.offset)._of(trace)

    @property
    def size(self) -> int | None:
        """Bytes, None if the publisher did not say."""
        return self._address_selection.size

    @property
    def name(self) -> str | None:
        """What the publisher calls it."""
        return self._address_selection.name

    @property
    def transition(self) -> Transition | None:
        """The moment that is meant, None if the publisher did not say.

        Raises:
            InvalidArgumentError (a ValueError): it is of another trace.
        """
        number = self._address_selection.transition
        return None if number is None else self._transition(number)

    @property
    def _address_selection(self) -> wire.AddressSelection:
        assert isinstance(self._selection, wire.AddressSelection)
        return self._selection

    def __str__(self) -> str:
        return printable(str(self.address) if self.name is None else self.name)


def event_of(event: wire.Event, epoch: str, trace: Trace) -> TransitionEvent | AddressEvent:
    """The object of a message."""
    selection = event.selection
    kind = TransitionEvent if isinstance(selection, wire.TransitionSelection) else AddressEvent
    return kind(
        event.session,
        event.sequence,
        epoch,
        event.time,
        event.origin,
        event.gap,
        selection.scenario,
        selection,
        trace,
    )
