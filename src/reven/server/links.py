# SPDX-License-Identifier: Apache-2.0
"""Keys of notebook links: each may only publish to the sessions its client tracks."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence

from reven.server.wire import RequestError

__all__ = ["Link", "Links"]

LINKS_KEPT = 10_000


class Link:
    """`tracked`: sessions that a click publishes to, now; `client`: id of the client's
    sessions connection, "" if it has none."""

    def __init__(self, tracked: Sequence[str], client: str) -> None:
        self.tracked = list(tracked)
        self.client = client


class Links:
    """Links by key, of which the ones that were least recently used go first."""

    def __init__(self) -> None:
        self._links: OrderedDict[str, Link] = OrderedDict()

    def make(self, tracked: Sequence[str], client: str) -> str:
        """Returns the key of a new link."""
        key = secrets.token_urlsafe(16)
        self._links[key] = Link(tracked, client)
        if len(self._links) > LINKS_KEPT:
            self._links.popitem(last=False)
        return key

    def get(self, key: str) -> Link:
        """Raises RequestError (403) for a key that is not known."""
        link = self._links.get(key)
        if link is None:
            raise RequestError(
                403, "This link is of an earlier run of the server: run its cell again."
            )
        self._links.move_to_end(key)
        return link
