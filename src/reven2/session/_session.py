# SPDX-License-Identifier: Apache-2.0
"""A session, and who listens to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from reven2._client import messages as wire
from reven2._printable import escape, printable
from reven2.errors import ArgumentTypeError, InvalidArgumentError

__all__ = ["PresentClient", "Session", "name_of", "sessions_of"]

MOST_TRACKED = 1000
"""As many as a server knows."""


class Session:
    """A session and how many clients listened to it when the server was asked.

    `str` is its name, by which sessions are ordered. Not meant to be constructed directly: ask
    `server.sessions`.
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

    def format_as_html(self) -> str:
        """The name, and how many listened, for embedding in HTML."""
        listened = "1 listener" if self._listeners == 1 else f"{self._listeners} listeners"
        return f"<code>{escape(self._name)}</code> {listened}"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __eq__(self, other: object) -> bool:
        """Sessions are equal by name, also to the name itself; the number does not count."""
        if isinstance(other, (Session, str)):
            return self._name == str(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._name)

    def __lt__(self, other: Session | str) -> bool:
        return self._name < str(other) if isinstance(other, (Session, str)) else NotImplemented

    def __le__(self, other: Session | str) -> bool:
        return self._name <= str(other) if isinstance(other, (Session, str)) else NotImplemented

    def __gt__(self, other: Session | str) -> bool:
        return self._name > str(other) if isinstance(other, (Session, str)) else NotImplemented

    def __ge__(self, other: Session | str) -> bool:
        return self._name >= str(other) if isinstance(other, (Session, str)) else NotImplemented

    def __str__(self) -> str:
        return printable(self._name)

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


def name_of(session: str | Session) -> str:
    """The name of what is given as a session.

    Raises:
        InvalidArgumentError (a ValueError): a name that no session can have.
        ArgumentTypeError (a TypeError too): neither a name nor a session.
    """
    if not isinstance(session, (str, Session)):
        raise ArgumentTypeError(
            f"A session is given by its name or as a Session, not as {_shown(session)}: pass "
            "'default', for example, or one of server.sessions.available()."
        )
    return wire.session_name(str(session))


def sessions_of(sessions: str | Session | Iterable[str | Session] | None) -> list[Session]:
    """The sessions that are given: one, several, or None for none. Raises as `name_of`."""
    if sessions is None:
        return []
    if isinstance(sessions, (str, Session)):
        sessions = [sessions]
    if isinstance(sessions, (bytes, bytearray)) or not isinstance(sessions, Iterable):
        raise ArgumentTypeError(
            f"Sessions are given by name, not as {_shown(sessions)}: pass 'default', for example, "
            "a list of names, or server.sessions.available()."
        )
    # What has no end must not be waited for.
    several = list(islice(sessions, MOST_TRACKED + 1))
    check_count(several)
    return [
        one if type(one) is Session else Session(name, 0)
        for one in several
        for name in (name_of(one),)
    ]


def check_count(sessions: list[Any]) -> None:
    """Raises InvalidArgumentError for more than can be tracked."""
    if len(sessions) > MOST_TRACKED:
        raise InvalidArgumentError(
            f"At most {MOST_TRACKED} sessions can be tracked: pass fewer of them."
        )


def _shown(value: object) -> str:
    if value is None:
        return "None"
    return f"{type(value).__name__} {value!r:.60}"
