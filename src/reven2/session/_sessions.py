# SPDX-License-Identifier: Apache-2.0
"""The sessions of a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import msgspec

from reven2._client import messages as wire
from reven2._client.links import Links
from reven2._client.live import Live
from reven2._client.selection import address_selection, transition_selection
from reven2.errors import InvalidArgumentError
from reven2.session._listener import Listener, Watcher

if TYPE_CHECKING:
    from reven2._client.connection import Connection
    from reven2.address import _AbstractAddress
    from reven2.trace import Trace, Transition

__all__ = ["PresentClient", "Session", "Sessions", "TrackedSessions"]


class Session:
    """A session and how many clients listened to it when the server was asked.

    `str` is its name. Not meant to be constructed directly: ask `server.sessions`.
    """

    __slots__ = ("_listeners", "_name")

    def __init__(self, name: str, listeners: int) -> None:
        self._name, self._listeners = name, listeners

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def listeners(self) -> int:
        """Number of clients that listened."""
        return self._listeners

    def __eq__(self, other: object) -> bool:
        """Sessions are equal by name, also to the name itself; the number does not count."""
        if isinstance(other, Session):
            return self._name == other._name
        if isinstance(other, str):
            return self._name == other
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._name)

    def __str__(self) -> str:
        return self._name

    def __repr__(self) -> str:
        return f"Session({self._name!r}, {self._listeners})"


@dataclass(frozen=True)
class PresentClient:
    """A client that listens to a session.

    Attributes:
        id: what the server calls it.
        name: what it calls itself.
        kind: python, cli, axion, notebook or bridge.
        transition_id: the number of the transition it looks at, None if it did not say.
        address: the linear address it looks at, None if it did not say.
        since: when it connected, in seconds since 1970 (UTC).
        is_self: whether it is this client.
    """

    id: str
    name: str
    kind: str
    transition_id: int | None
    address: int | None
    since: float
    is_self: bool


class TrackedSessions(Sequence[Session]):
    """The sessions that this client publishes to, as a list. Every read asks the server how
    many listen; what is changed counts at once.

    Sessions are given by name or as `Session`.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def append(self, session: str | Session) -> None:
        """Track one more session; nothing happens if it is tracked already."""
        name = _name(session)
        names = self._sessions._tracked_names
        if name not in names:
            self._sessions._track([*names, name])

    def extend(self, sessions: Iterable[str | Session]) -> None:
        """Track more sessions."""
        self._sessions._track([*self._sessions._tracked_names, *_names(sessions)])

    def remove(self, session: str | Session) -> None:
        """Track a session no longer.

        Raises:
            InvalidArgumentError (a ValueError): it was not tracked.
        """
        name = _name(session)
        names = list(self._sessions._tracked_names)
        if name not in names:
            raise InvalidArgumentError(f"The session {name!r} is not tracked.")
        names.remove(name)
        self._sessions._track(names)

    def clear(self) -> None:
        """Track no session."""
        self._sessions._track([])

    @overload
    def __getitem__(self, index: int) -> Session: ...

    @overload
    def __getitem__(self, index: slice) -> list[Session]: ...

    def __getitem__(self, index: int | slice) -> Session | list[Session]:
        return self._read()[index]

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._sessions._tracked_names)
        del names[index]
        self._sessions._track(names)

    def __iter__(self) -> Iterator[Session]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._sessions._tracked_names)

    def __contains__(self, session: object) -> bool:
        return isinstance(session, (str, Session)) and str(session) in (
            self._sessions._tracked_names
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (list, tuple, TrackedSessions)):
            return NotImplemented
        return self._sessions._tracked_names == [
            str(item) if isinstance(item, (str, Session)) else None for item in other
        ]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._read())

    def _read(self) -> list[Session]:
        counts = {session.name: session for session in self._sessions.available()}
        return [counts.get(name, Session(name, 0)) for name in list(self._sessions._tracked_names)]


class Sessions:
    """The sessions of a server, and this client's part in them.

    Not meant to be constructed directly: it is `sessions` of `reven2.RevenServer`.
    """

    def __init__(
        self, connection: Connection, live: Live, links: Links, trace: Trace, scenario: str
    ) -> None:
        self._connection, self._live, self._links = connection, live, links
        self._trace, self._scenario = trace, scenario
        self._tracked_names = ["default"]

    @property
    def tracked(self) -> TrackedSessions:
        """The sessions that this client publishes to; `default` at first. Assign a name, or
        an iterable of names or sessions, to replace them.

        Raises (assigning):
            InvalidArgumentError (a ValueError): a name that no session can have.
        """
        return TrackedSessions(self)

    @tracked.setter
    def tracked(self, sessions: str | Session | Iterable[str | Session]) -> None:
        self._track(_names(sessions))

    def available(self) -> Iterator[Session]:
        """Every session that the server knows.

        Returns:
            A generator; the counts are those of the moment at which it starts.

        Raises:
            ServerError (a RuntimeError): the server does not answer.
        """
        data = self._connection.request_json("GET", "/api/v1/sessions")
        states = data.get("sessions", []) if isinstance(data, dict) else data
        for state in msgspec.convert(states, list[wire.SessionState]):
            yield Session(state.name, state.listeners)

    def active(self) -> Iterator[Session]:
        """The sessions that at least one client listens to."""
        return (session for session in self.available() if session.listeners)

    def publish_transition(self, transition: Transition) -> bool:
        """Have all clients that listen to a tracked session select a transition.

        Returns:
            Whether another client listened.

        Raises:
            InvalidArgumentError (a ValueError): it is of another trace.
            ServerError (a RuntimeError): the token may not publish, or the server does not
                answer.
        """
        return self._publish_selection(
            transition_selection(transition, self._trace, self._scenario)
        )

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
        return self._publish_selection(
            address_selection(address, self._trace, self._scenario, size, addr_name)
        )

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
        return Listener(self._live, _name(session), self._trace)

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
        return [self._present(client) for client in self._live.presence(_name(session))]

    def _present(self, client: wire.PresentClient) -> PresentClient:
        selection = client.selection
        return PresentClient(
            client.client,
            client.name,
            client.kind,
            None if selection is None else selection.transition,
            selection.offset if isinstance(selection, wire.AddressSelection) else None,
            client.since,
            client.client == self._live.client,
        )

    def _publish(self, transition_id: int) -> bool:
        return self.publish_transition(self._trace.transition(transition_id))

    def _publish_address(
        self, address: int, size: int | None = None, addr_name: str | None = None
    ) -> bool:
        return self.publish_address(address, size, addr_name)

    def _js_publish_transition(self, transition: Transition) -> str:
        return self._links.script(transition_selection(transition, self._trace, self._scenario))

    def _js_publish_address(
        self,
        address: _AbstractAddress | int,
        size: int | None = None,
        addr_name: str | None = None,
    ) -> str:
        return self._links.script(
            address_selection(address, self._trace, self._scenario, size, addr_name)
        )

    def _publish_selection(self, selection: wire.Selection) -> bool:
        if not self._tracked_names:
            return False
        return self._live.publish(list(self._tracked_names), selection) > 0

    def _track(self, names: list[str]) -> None:
        for name in names:
            wire.check_session_name(name)
        names = list(dict.fromkeys(names))
        self._links.track(names)
        self._tracked_names = names

    def __repr__(self) -> str:
        return f"Sessions(tracked={self.tracked!r})"


def _name(session: str | Session) -> str:
    name: Any = session.name if isinstance(session, Session) else session
    wire.check_session_name(name)
    return str(name)


def _names(sessions: str | Session | Iterable[str | Session]) -> list[str]:
    if isinstance(sessions, (str, Session)):
        return [_name(sessions)]
    return [_name(session) for session in sessions]
