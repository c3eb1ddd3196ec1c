# SPDX-License-Identifier: Apache-2.0
"""The sessions of a server."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

import msgspec

from reven2._arguments import wrong_type
from reven2._client import messages as wire
from reven2._client.handle import Handle
from reven2._client.links import Links
from reven2._client.selection import address_selection, transition_selection
from reven2.session._listener import Listener, Watcher
from reven2.session._session import PresentClient, Session, name_of, sessions_of
from reven2.session._tracked import TrackedSessions

if TYPE_CHECKING:
    from reven2.address import _AbstractAddress
    from reven2.trace import Transition

__all__ = ["Sessions"]


class Sessions:
    """The sessions of a server, and this client's part in them.

    Not meant to be constructed directly: it is `sessions` of `reven2.RevenServer`. Another one
    of the same connection, `Sessions(server._rvn)`, tracks sessions of its own.

    Parameters:
        _rvn: the connection, `_rvn` of a `reven2.RevenServer`.
        sessions: what to track at first, as `tracked` takes it; default: `default`.

    Raises:
        ArgumentTypeError (a TypeError and ValueError): that is no connection.
    """

    _instances: ClassVar[weakref.WeakSet[Sessions]] = weakref.WeakSet()
    """All of this process; links find theirs here."""

    def __init__(
        self, _rvn: Handle, sessions: str | Session | Iterable[str | Session] | None = None
    ) -> None:
        handle: object = getattr(_rvn, "_rvn", _rvn)
        if not isinstance(handle, Handle):
            raise wrong_type("Sessions", _rvn, "pass server._rvn, or use server.sessions")
        self._rvn = handle
        self._links = Links(handle)
        first = ["default"] if sessions is None else sessions
        self._sessions = TrackedSessions(sessions_of(first), self.available, self._links.track)
        if sessions is not None:
            self._links.track(self._sessions._names)
        Sessions._instances.add(self)

    @property
    def tracked(self) -> TrackedSessions:
        """The list of the sessions that this client publishes to; `default` at first. What is
        changed in it counts at once. Assign a name, an iterable of names or sessions, or None
        for none at all, to replace its contents.

        Raises (assigning):
            InvalidArgumentError (a ValueError): a name that no session can have.
            ArgumentTypeError (a TypeError too): neither names nor sessions.
        """
        return self._sessions

    @tracked.setter
    def tracked(self, sessions: str | Session | Iterable[str | Session] | None = None) -> None:
        # What `tracked += …` assigns has changed already.
        if sessions is not self._sessions:
            self._sessions._replace(sessions_of(sessions))

    def available(self) -> Iterator[Session]:
        """Every session that the server knows: those that most clients listen to first, of
        equal ones the older first.

        Returns:
            A generator; the counts are those of the moment at which it starts.

        Raises:
            ServerError (a RuntimeError): the server does not answer.
        """
        data = self._rvn.connection.request_json("GET", "/api/v1/sessions")
        states = data.get("sessions", []) if isinstance(data, dict) else data
        known = msgspec.convert(states, list[wire.SessionState])
        # The server gives them by age, which sorting keeps.
        for state in sorted(known, key=lambda state: -state.listeners):
            yield Session(state.name, state.listeners)

    def active(self) -> Iterator[Session]:
        """The sessions that at least one client listens to, in the order of `available`."""
        return (session for session in self.available() if session.listeners)

    def publish_transition(self, transition: Transition) -> bool:
        """Have all clients that listen to a tracked session select a transition.

        Returns:
            Whether another client listened.

        Raises:
            InvalidArgumentError (a ValueError): it is of another trace.
            ArgumentTypeError (a TypeError too): it is no transition.
            ServerError (a RuntimeError): the token may not publish, or the server does not
                answer.
        """
        return self._publish_selection(transition_selection(transition, self._rvn))

    def publish_address(
        self,
        address: _AbstractAddress | int,
        size: int | None = None,
        addr_name: str | None = None,
    ) -> bool:
        """Have all clients that listen to a tracked session show the memory at an address.

        Parameters:
            address: an int is a linear address.
            size: bytes to show; default: as the client pleases.
            addr_name: what to call it; default: the address as it prints.

        Returns, raises:
            As `publish_transition`.
        """
        return self._publish_selection(address_selection(address, self._rvn, size, addr_name))

    def listen(self, session: str | Session = "default") -> Listener:
        """Listen to a session, from now on. If something was published there before, the
        latest comes first.

        Returns:
            An iterator, and async iterator, of `TransitionEvent` and `AddressEvent`; a
            context manager. What this client itself publishes is not among them.

        Raises:
            InvalidArgumentError (a ValueError): a name that no session can have.
            ServerError (a RuntimeError): the server does not answer.
        """
        return Listener(self._rvn.live, name_of(session), self._rvn.trace)

    def on_transition(
        self, callback: Callable[[Transition], object], session: str | Session = "default"
    ) -> Watcher:
        """Call a function with each transition of this trace that others publish to a
        session, from a thread of its own. What it raises is logged, and the next call is
        made all the same.

        Returns:
            What `close()` ends; also a context manager.
        """
        return Watcher(self.listen(session), callback)

    def presence(self, session: str | Session = "default") -> list[PresentClient]:
        """Who listens to a session now, and where they are.

        Raises:
            InvalidArgumentError (a ValueError): a name that no session can have.
            ServerError (a RuntimeError): the server does not answer.
        """
        return [self._present(client) for client in self._rvn.live.presence(name_of(session))]

    def _present(self, client: wire.PresentClient) -> PresentClient:
        selection = client.selection
        return PresentClient(
            client.client,
            client.name,
            client.kind,
            None if selection is None else selection.transition,
            selection.offset if isinstance(selection, wire.AddressSelection) else None,
            client.since,
            client.client == self._rvn.live.client,
        )

    def _publish(self, transition_id: int) -> bool:
        return self.publish_transition(self._rvn.trace.transition(transition_id))

    def _publish_address(
        self, address: int, size: int | None = None, addr_name: str | None = None
    ) -> bool:
        return self.publish_address(address, size, addr_name)

    def _js_publish_transition(self, transition_id: int) -> str:
        transition = self._rvn.trace.transition(transition_id)
        return self._links.script(transition_selection(transition, self._rvn))

    def _js_publish_address(
        self,
        address: _AbstractAddress | int,
        size: int | None = None,
        addr_name: str | None = None,
    ) -> str:
        return self._links.script(address_selection(address, self._rvn, size, addr_name))

    def _publish_selection(self, selection: wire.Selection) -> bool:
        names = self._sessions._names
        return bool(names) and self._rvn.live.publish(names, selection) > 0

    def format_as_html(self) -> str:
        """What is tracked, for embedding in HTML."""
        tracked = ", ".join(one.format_as_html() for one in self._sessions) or "no session"
        return f"tracked: {tracked}"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __repr__(self) -> str:
        return f"Sessions(tracked={self.tracked!r})"
