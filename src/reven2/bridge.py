# SPDX-License-Identifier: Apache-2.0
"""Join a session as another tool: a debugger, a disassembler, an editor.

A bridge shows its tool what others select, and shows others what is selected in the tool.
It needs nothing of a server but this module::

    with reven2.bridge.join("default", port=13370, name="my tool") as bridge:
        bridge.show(bridge.server.trace.transition(100))  # others go there
        for event in bridge:  # where others are, as they move
            print(event)
            break
"""

from __future__ import annotations

import ssl as tls
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reven2._arguments import wrong_type
from reven2._client.connection import DEFAULT_PORT
from reven2._client.messages import Selection, TransitionSelection
from reven2._client.processes import renew_after_fork
from reven2._client.selection import address_selection, transition_selection
from reven2.session import AddressEvent, PresentClient, Session, TransitionEvent
from reven2.session._session import name_of

if TYPE_CHECKING:
    from reven2._client.reven_server import RevenServer
    from reven2.address import _AbstractAddress
    from reven2.trace import Transition

__all__ = ["Bridge", "join"]


class Bridge(Iterator[TransitionEvent | AddressEvent]):
    """A tool's part in a session of a server. A context manager: leaving it leaves the session.

    Iterating waits for what others publish there and gives it in the order of the server, until
    the bridge is closed: at first the latest, if anything was published before. What the tool
    itself publishes is not among it, nor what is about other traces than the server's. When
    the connection breaks it is made again, and what was missed comes then.

    May be used from several threads; usually one waits for events, and that of the tool calls
    `show`. Not meant to be constructed directly: `join` gives it.
    """

    def __init__(self, server: RevenServer, session: str) -> None:
        self._server, self._session = server, session
        self._lock = threading.Lock()
        self._shown: Selection | None = None
        renew_after_fork(self)
        self._listener = server.sessions.listen(session)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    @property
    def server(self) -> RevenServer:
        """The connection: its trace, and all that it tells of it."""
        return self._server

    @property
    def session(self) -> str:
        """Name of the session."""
        return self._session

    def show(self, transition: Transition) -> bool:
        """Have the others select a transition.

        Many tools report each move, also the one that a bridge has just made them do. So
        what the last event said is not published again: two tools that follow each other come
        to rest.

        Returns:
            Whether somebody was shown it: False if nobody listens, or it came from there.

        Raises:
            InvalidArgumentError (a ValueError): it is of another trace.
            ArgumentTypeError (a TypeError too): it is no transition.
            ServerError (a RuntimeError): the token may not publish, or the server does not
                answer.
        """
        return self._publish(transition_selection(transition, self._server._rvn))

    def show_address(
        self, address: _AbstractAddress | int, size: int | None = None, name: str | None = None
    ) -> bool:
        """Have the others show memory. What was shown to the tool is not published again.

        Parameters:
            address: an int is a linear address.
            size: bytes to show; default: as the others please.
            name: what to call it; default: the address as it prints.

        Returns, raises:
            As `show`.
        """
        return self._publish(address_selection(address, self._server._rvn, size, name))

    def set_where(self, transition: Transition | None) -> None:
        """Tell who looks at the session where the tool is, without making anybody go there; None:
        nowhere. `show` does it too. Raises as `show` does for what is no transition."""
        where = None if transition is None else transition_selection(transition, self._server._rvn)
        self._server._rvn.live.set_where(where)

    def others(self) -> list[PresentClient]:
        """Who else listens to the session, and where they are.

        Raises:
            ServerError (a RuntimeError): the server does not answer.
        """
        return [one for one in self._server.sessions.presence(self._session) if not one.is_self]

    def next_event(self, timeout: float | None = None) -> TransitionEvent | AddressEvent | None:
        """Wait for the next event.

        Parameters:
            timeout: seconds to wait at most for anything; None: for ever.

        Returns:
            The event; None when none came in time, or the bridge was closed.

        Raises:
            ServerError (a RuntimeError): the server does not let this client in any more.
        """
        while (event := self._listener.next_event(timeout)) is not None:
            if self._take(event):
                return event
        return None

    def close(self) -> None:
        """Leave the session and close the connection: a loop over it ends."""
        self._listener.close()
        self._server.close()

    def _take(self, event: TransitionEvent | AddressEvent) -> bool:
        if event.is_of_this_trace:
            with self._lock:
                self._shown = event._selection
        return event.is_of_this_trace

    def _publish(self, selection: Selection) -> bool:
        with self._lock:
            is_echo = self._shown is not None and _place(selection) == _place(self._shown)
            if not is_echo:
                # Going back there later is news again.
                self._shown = None
        if is_echo:
            self._server._rvn.live.set_where(selection)
            return False
        return self._server._rvn.live.publish([self._session], selection) > 0

    def __next__(self) -> TransitionEvent | AddressEvent:
        while not self._take(event := next(self._listener)):
            pass
        return event

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Bridge({self._session!r}, {self._server!r})"


def join(
    session: str | Session = "default",
    *,
    name: str,
    host: str = "localhost",
    port: int = DEFAULT_PORT,
    scenario: str | None = None,
    token: str | None = None,
    ssl: tls.SSLContext | bool = False,
) -> Bridge:
    """Join a session as a tool.

    Parameters:
        session: which; it begins to exist if it does not.
        name: how others see the tool.
        host, port, scenario, token, ssl: as for `reven2.RevenServer`.

    Returns:
        The bridge, which listens from now on.

    Raises:
        ServerError (a RuntimeError): the connection fails; the text says why.
        InvalidArgumentError (a ValueError): a name that no session can have.
    """
    from reven2._client.reven_server import connect_as

    chosen = name_of(session)
    if not isinstance(name, str):
        raise wrong_type("The name of a tool", name, "pass a str such as 'gdb'")
    server = connect_as("bridge", host, port, scenario, token=token, name=name, ssl=ssl)
    try:
        return Bridge(server, chosen)
    except BaseException:
        server.close()
        raise


def _place(selection: Selection) -> tuple[object, ...]:
    """What must be equal for a selection to be the same."""
    if isinstance(selection, TransitionSelection):
        return (selection.transition,)
    return (selection.offset, selection.segment)
