# SPDX-License-Identifier: Apache-2.0
"""Bookmarks: notes on transitions, kept with the trace and shared with everyone who has it
open."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from reven2._arguments import integer, text
from reven2._printable import escape, printable
from reven2._service import BookmarkData, TraceService
from reven2.errors import InvalidArgumentError
from reven2.trace._arguments import one_number

if TYPE_CHECKING:
    from reven2.trace import Trace, Transition

__all__ = ["Bookmark", "BookmarkManager"]

_PAGE = 1000


class Bookmark:
    """A note on a transition, as it was when it was asked for. `str`:
    `#6724306: 'None -> conhost.exe (2704)'`.

    Bookmarks are equal if they are the same one, changed or not. Not meant to be constructed
    directly: ask `server.bookmarks`.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: BookmarkData) -> None:
        self._trace, self._data = trace, data

    @property
    def id(self) -> int:
        """Number, in the order of creation; that of a removed one is not used again."""
        return self._data.id

    @property
    def transition(self) -> Transition:
        """The transition."""
        return self._trace.transition(self._data.transition)

    @property
    def description(self) -> str:
        """The note."""
        return self._data.description

    @property
    def version(self) -> int:
        """1, and one more for every change. An addition to the documented interface."""
        return self._data.version

    def format_as_html(self) -> str:
        """The transition, as a link where there is a server, and the note."""
        note = escape(f"'{self.description}'", quote=False)
        return f"{self.transition.format_as_html()}: {note}"

    def _repr_html_(self) -> str:
        return self.format_as_html()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bookmark):
            return NotImplemented
        return self.id == other.id and self._trace == other._trace

    def __hash__(self) -> int:
        return hash(self.id)

    def __str__(self) -> str:
        return printable(f"#{self._data.transition}: '{self.description}'")

    def __repr__(self) -> str:
        return (
            f"Bookmark(id={self.id}, transition={self._data.transition}, "
            f"description={self.description!r})"
        )


class BookmarkManager:
    """The bookmarks of a trace. What is changed here is seen by all others at once, and the
    other way round: every call looks anew. Not meant to be constructed directly: it is
    `bookmarks` of the server.

    They are kept in the trace's directory; where that cannot be written, in the user's own
    `~/.local/state/reven/bookmarks` (on the machine of the server, if there is one).
    """

    def __init__(self, trace: Trace, service: TraceService) -> None:
        self._trace, self._service = trace, service

    def add(self, transition: Transition | int, description: str) -> Bookmark:
        """Add a bookmark.

        Parameters:
            transition: what it is about; an int is its number.
            description: the note: any text of up to 10,000 characters.

        Raises:
            OutOfRangeError (an IndexError): the trace has no such transition.
            InvalidArgumentError (a ValueError): a transition of another trace; the text is
                too long.
            TraceError (a RuntimeError): it cannot be stored; the text says why.
            ServerError (a RuntimeError): the server's token may only look.
        """
        number = self._number(transition)
        # A request that has to be sent again must not add a second one.
        text(description, "The note of a bookmark")
        data = self._service.add_bookmark(uuid.uuid4().hex, number, description)
        return Bookmark(self._trace, data)

    def all(self) -> Iterator[Bookmark]:
        """All bookmarks, in the order of their creation: a generator."""
        first: int | None = 1
        while first is not None:
            page = self._service.bookmarks(first=first, limit=_PAGE)
            for data in page.bookmarks:
                yield Bookmark(self._trace, data)
            first = page.next

    def at(self, transition: Transition | int) -> Iterator[Bookmark]:
        """The bookmarks on one transition: a generator.

        Parameters:
            transition: an int is its number.
        """
        number = self._number(transition)
        return (bookmark for bookmark in self.all() if bookmark._data.transition == number)

    def edit(
        self,
        bookmark: Bookmark | int,
        description: str | None = None,
        transition: Transition | int | None = None,
    ) -> Bookmark:
        """Change a bookmark; of two changes at the same time, the later one stays. An addition
        to the documented interface.

        Parameters:
            bookmark: an int is its id.
            description: the new note; None: it stays.
            transition: where it goes; None: it stays.

        Returns:
            The bookmark as it is now.

        Raises:
            OutOfRangeError (an IndexError): there is no such bookmark, or transition.
        """
        number = None if transition is None else self._number(transition)
        data = self._service.edit_bookmark(self._id(bookmark), number, description)
        return Bookmark(self._trace, data)

    def remove(self, bookmark: Bookmark | int) -> None:
        """Remove a bookmark; nothing happens if somebody did so before.

        Parameters:
            bookmark: an int is its id.
        """
        self._service.remove_bookmark(self._id(bookmark))

    def remove_if(self, predicate: Callable[[Bookmark], bool]) -> None:
        """Remove every bookmark for which this is true.

        Parameters:
            predicate: called with each bookmark.
        """
        for bookmark in list(self.all()):
            if predicate(bookmark):
                self.remove(bookmark)

    def __iter__(self) -> Iterator[Bookmark]:
        return self.all()

    def __repr__(self) -> str:
        return f"BookmarkManager({sum(1 for _ in self.all())} bookmarks)"

    def _number(self, transition: Transition | int) -> int:
        return one_number(self._trace, transition, "transition")

    def _id(self, bookmark: Bookmark | int) -> int:
        if not isinstance(bookmark, Bookmark):
            return integer(bookmark, "A bookmark")
        if bookmark._trace != self._trace:
            raise InvalidArgumentError(
                f"The bookmark {bookmark} is of the trace {bookmark._trace._info.name!r}, "
                f"not of {self._trace._info.name!r}."
            )
        return bookmark.id
