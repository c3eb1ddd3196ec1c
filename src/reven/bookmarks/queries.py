# SPDX-License-Identifier: Apache-2.0
"""`BookmarkService`: the analyst's notes on a trace."""

from __future__ import annotations

from reven.bookmarks.store import Bookmarks
from reven.trace.opened import OpenedTrace
from reven2._service import BookmarkData, BookmarkPage
from reven2.errors import OutOfRangeError

__all__ = ["BookmarkQueries"]


class BookmarkQueries(OpenedTrace):
    """See `reven2._service.bookmarks`."""

    def bookmarks(self, *, first: int, limit: int) -> BookmarkPage:
        return self._bookmarks().page(first, limit)

    def bookmark_revision(self) -> int:
        return self._bookmarks().revision()

    def add_bookmark(self, key: str, transition: int, description: str) -> BookmarkData:
        self._check_transition(transition)
        return self._bookmarks().add(key, transition, description)

    def edit_bookmark(
        self, id: int, transition: int | None, description: str | None
    ) -> BookmarkData:
        if transition is not None:
            self._check_transition(transition)
        return self._bookmarks().edit(id, transition, description)

    def remove_bookmark(self, id: int) -> None:
        self._bookmarks().remove(id)

    def _bookmarks(self) -> Bookmarks:
        self._trace()
        return self._kept("bookmarks", lambda: Bookmarks(self._path, self.info().uuid))

    def _check_transition(self, number: int) -> None:
        count = self.transition_count()
        if not 0 <= number < count:
            raise OutOfRangeError(
                f"There is no transition #{number}: the trace has {count}, counted from 0."
            )
