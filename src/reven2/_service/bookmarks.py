# SPDX-License-Identifier: Apache-2.0
"""Bookmarks: the analyst's own notes on transitions, shared by everyone who has the trace open.

They are the only thing of a trace that changes. Every change counts the `revision` up, so
that who keeps a list notices that it is old. Of two changes of one bookmark the later one
stays; its `version` says that it was changed.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from reven2._service.declared import query


class BookmarkData(msgspec.Struct, frozen=True):
    """A note on a transition. `id` counts up in the order of creation and is never given
    again; `version` is 1 at first and counts the changes; `created` in seconds since 1970
    (UTC)."""

    id: int
    transition: int
    description: str
    version: int
    created: float


class BookmarkPage(msgspec.Struct, frozen=True):
    """Bookmarks by ascending id; `next`: id to go on with, None at the end."""

    bookmarks: list[BookmarkData]
    next: int | None
    revision: int


class BookmarkService(Protocol):
    """The bookmarks of one trace. Those that change something raise TraceError where they
    cannot be stored, and OutOfRangeError for a bookmark or transition that does not exist."""

    @query(kept=False)
    def bookmarks(self, *, first: int, limit: int) -> BookmarkPage:
        """Bookmarks whose id is `first` or more."""

    @query(kept=False)
    def bookmark_revision(self) -> int:
        """The number of changes made to the bookmarks."""

    @query(changes=True)
    def add_bookmark(self, key: str, transition: int, description: str) -> BookmarkData:
        """Add a bookmark. `key`: a text that nobody else chooses, such as a UUID; a repeated
        request with the same one gives the bookmark that the first one made."""

    @query(changes=True)
    def edit_bookmark(
        self, id: int, transition: int | None, description: str | None
    ) -> BookmarkData:
        """Change what is not None."""

    @query(changes=True)
    def remove_bookmark(self, id: int) -> None:
        """Remove a bookmark; nothing happens if it is gone already."""
