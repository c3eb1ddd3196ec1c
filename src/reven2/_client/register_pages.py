# SPDX-License-Identifier: Apache-2.0
"""Registers of single contexts, fetched with those of their neighbours."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from reven2._client.processes import renew_after_fork
from reven2._service import RegisterPage

__all__ = ["RegisterPages"]

_PAGE = 16
_MOST_PAGES_AT_ONCE = 64
_PAGES_KEPT = 2048


class RegisterPages:
    """Keeps pages of registers. A read in the dark fetches one page; a script that walks
    on from there, either way, makes each fetch four times the one before.

    Parameters:
        fetch: gives the registers of contexts.
    """

    def __init__(self, fetch: Callable[[Sequence[int]], RegisterPage]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        renew_after_fork(self)
        self._kept: OrderedDict[int, RegisterPage] = OrderedDict()
        self._run = range(0)

    def at(self, context: int, count: int) -> RegisterPage:
        """The registers of one context of a trace of `count` transitions."""
        key = context // _PAGE
        with self._lock:
            page = self._kept.get(key)
            if page is not None:
                self._kept.move_to_end(key)
        if page is None:
            page = self._load(key, count)
        begin = context - key * _PAGE
        return page.part(begin, begin + 1)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all pages."""
        with self._lock:
            self._kept.clear()

    def _load(self, key: int, count: int) -> RegisterPage:
        with self._lock:
            run = self._next_run(key, count)
            self._run = run
        first = run.start * _PAGE
        contexts = range(first, min(run.stop * _PAGE, count + 1))
        fetched = self._fetch(contexts)
        pages = {}
        for index, number in enumerate(run):
            pages[number] = fetched.part(index * _PAGE, (index + 1) * _PAGE)
        with self._lock:
            self._kept.update(pages)
            while len(self._kept) > _PAGES_KEPT:
                self._kept.popitem(last=False)
        return pages[key]

    def _next_run(self, key: int, count: int) -> range:
        """The pages to fetch so that `key` is among them."""
        size = min(4 * len(self._run), _MOST_PAGES_AT_ONCE)
        if key == self._run.stop and self._run:
            return range(key, min(key + size, count // _PAGE + 1))
        if key == self._run.start - 1:
            return range(max(0, key + 1 - size), key + 1)
        return range(key, key + 1)
