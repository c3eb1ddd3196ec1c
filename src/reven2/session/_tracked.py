# SPDX-License-Identifier: Apache-2.0
"""The list of the sessions that a client publishes to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, Self, SupportsIndex, TypeVar, overload

from reven2._client.processes import renew_after_fork
from reven2.errors import ArgumentTypeError, InvalidArgumentError, OutOfRangeError, RevenError
from reven2.session._session import Session, check_count, name_of, sessions_of

__all__ = ["TrackedSessions"]

Result = TypeVar("Result")
Given = str | Session
_ALL = slice(None)


class TrackedSessions(list[Session]):
    """The sessions that this client publishes to: a list that counts at once.

    It is live: each change takes effect when it is made, a change that fails changes nothing,
    and what others change through `server.sessions.tracked` shows here. Every read asks the
    server how many clients listen. Sessions are given by name or as `Session`; a text in the
    place of several is one name. A session that stands here twice is published to once.

    Copies, slices and sums are plain lists, which change nothing. Safe to use from several
    threads: each call is one change. Not meant to be constructed directly: it is `tracked` of
    `server.sessions`.
    """

    # What C code reads of a list is the storage of the list itself, so it holds the sessions
    # with the numbers that were read last; all else goes through `_read` and `_change`.

    def __init__(
        self,
        sessions: Iterable[Session],
        available: Callable[[], Iterable[Session]],
        track: Callable[[list[str]], None],
    ) -> None:
        super().__init__(sessions)
        self._available, self._track = available, track
        self._lock = threading.RLock()
        renew_after_fork(self)

    def _renew(self) -> None:
        self._lock = threading.RLock()

    @property
    def _names(self) -> list[str]:
        """Each session once, without asking the server."""
        return list(dict.fromkeys(map(str, super().copy())))

    def _replace(self, sessions: list[Session]) -> None:
        self._change(lambda tracked: tracked.__setitem__(_ALL, sessions))

    # ------------------------------------------------------------------ changes

    def append(self, session: Given, /) -> None:
        """Track one more session."""
        new = Session(name_of(session), 0)
        self._change(lambda tracked: tracked.append(new))

    def insert(self, index: SupportsIndex, session: Given, /) -> None:
        """Track one more session, at a place of the list."""
        new = Session(name_of(session), 0)
        self._change(lambda tracked: tracked.insert(index, new))

    def extend(self, sessions: Given | Iterable[Given], /) -> None:
        """Track more sessions."""
        new = sessions_of(sessions)
        self._change(lambda tracked: tracked.extend(new))

    def pop(self, index: SupportsIndex = -1, /) -> Session:
        """Track a session no longer, and give it.

        Raises:
            OutOfRangeError (an IndexError): there is none at that place.
        """

        def pop(tracked: list[Session]) -> Session:
            try:
                return tracked.pop(index)
            except IndexError:
                raise OutOfRangeError(
                    f"There is no tracked session at {index!r}: {len(tracked)} are tracked."
                ) from None

        return self._change(pop)

    def remove(self, session: Given, /) -> None:
        """Track a session no longer.

        Raises:
            InvalidArgumentError (a ValueError): it was not tracked.
        """
        name = name_of(session)

        def remove(tracked: list[Session]) -> None:
            if name not in tracked:
                _not_tracked(name)
            del tracked[[one.name for one in tracked].index(name)]

        self._change(remove)

    def clear(self) -> None:
        """Track no session."""
        self._change(lambda tracked: tracked.clear())

    def sort(self, *, key: Callable[[Session], Any] | None = None, reverse: bool = False) -> None:
        """Order the list, by name if there is no key."""

        def sort(tracked: list[Session]) -> None:
            # A key may want to know how many listen.
            tracked[:] = sorted(self._read(), key=key, reverse=reverse)

        self._change(sort)

    def reverse(self) -> None:
        """Turn the list round."""
        self._change(lambda tracked: tracked.reverse())

    @overload
    def __setitem__(self, index: SupportsIndex, sessions: Given, /) -> None: ...

    @overload
    def __setitem__(self, index: slice, sessions: Given | Iterable[Given], /) -> None: ...

    def __setitem__(
        self, index: SupportsIndex | slice, sessions: Given | Iterable[Given], /
    ) -> None:
        new: Any = (
            sessions_of(sessions) if isinstance(index, slice) else Session(name_of(sessions), 0)  # type: ignore[arg-type]
        )
        self._change(lambda tracked: tracked.__setitem__(index, new))

    def __delitem__(self, index: SupportsIndex | slice, /) -> None:
        self._change(lambda tracked: tracked.__delitem__(index))

    def __iadd__(  # type: ignore[override, misc]
        self, sessions: Given | Iterable[Given], /
    ) -> Self:
        self.extend(sessions)
        return self

    def __imul__(self, count: SupportsIndex, /) -> Self:
        self._change(lambda tracked: tracked.__imul__(count))
        return self

    def _change(self, edit: Callable[[list[Session]], Result]) -> Result:
        """Carry out `edit` on a copy, and take it over once the server knows of it."""
        with self._lock:
            wanted = super().copy()
            result = edit(wanted)
            check_count(wanted)
            self._track(list(dict.fromkeys(map(str, wanted))))
            super().__setitem__(_ALL, wanted)
            return result

    # ------------------------------------------------------------------ reads

    def __eq__(self, other: object) -> bool:
        """As lists are equal, and a session equals its name."""
        return super().__eq__(other)

    __hash__ = None

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Session: ...

    @overload
    def __getitem__(self, index: slice, /) -> list[Session]: ...

    def __getitem__(self, index: SupportsIndex | slice, /) -> Session | list[Session]:
        return self._read()[index]

    def __iter__(self) -> Iterator[Session]:
        return iter(self._read())

    def __reversed__(self) -> Iterator[Session]:
        return reversed(self._read())

    def index(
        self, session: Given, start: SupportsIndex = 0, stop: SupportsIndex = 1 << 62, /
    ) -> int:
        """The first place of a session.

        Raises:
            InvalidArgumentError (a ValueError): it is not tracked.
        """
        try:
            return super().index(session, start, stop)  # type: ignore[arg-type]
        except ValueError:
            _not_tracked(str(session))

    def count(self, session: Given, /) -> int:
        """How often a session stands in the list."""
        return super().count(session)  # type: ignore[arg-type]

    def copy(self) -> list[Session]:
        """A plain list of what is tracked now."""
        return self._read()

    def __copy__(self) -> list[Session]:
        return self._read()

    def __deepcopy__(self, memo: dict[int, object]) -> list[Session]:
        return self._read()

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> tuple[Any, ...]:
        # Elsewhere there is no server to tell of changes.
        return list, (self._read(),)

    @overload
    def __add__(self, other: list[Session], /) -> list[Session]: ...

    @overload
    def __add__(self, other: list[Any], /) -> list[Any]: ...

    def __add__(self, other: list[Any], /) -> list[Any]:
        return self._read() + _plain(other)

    def __radd__(self, other: list[Any], /) -> list[Any]:
        return _plain(other) + self._read()

    def __mul__(self, count: SupportsIndex, /) -> list[Session]:
        return self._read() * count

    __rmul__ = __mul__

    def __repr__(self) -> str:
        try:
            return repr(self._read())
        except RevenError as error:
            return f"<tracked sessions {self._names}, listeners unknown: {error}>"

    def _read(self) -> list[Session]:
        """What is tracked, with the numbers of now."""
        counted = {session.name: session for session in self._available()}
        with self._lock:
            tracked = [counted.get(one.name, Session(one.name, 0)) for one in super().copy()]
            super().__setitem__(_ALL, tracked)
        return tracked.copy()


def _plain(other: object) -> list[Any]:
    if not isinstance(other, list):
        raise ArgumentTypeError(
            f"A list of sessions can be added to lists only, not to {type(other).__name__}: write "
            "it in brackets, or use append."
        )
    return list(other)


def _not_tracked(name: str) -> NoReturn:
    raise InvalidArgumentError(f"The session {name!r} is not tracked.")
