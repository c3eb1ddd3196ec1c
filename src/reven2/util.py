# SPDX-License-Identifier: Apache-2.0
"""Small helpers for scripts."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["collate"]

Item = TypeVar("Item")


def collate(
    iterables: Iterable[Iterable[Item]], key: Callable[[Item], Any] | None = None
) -> Iterator[Item]:
    """Merge iterables that are already sorted into one ascending generator.

    It takes no more from each than it needs, so endless or slow ones are fine. Equal items
    come in the order of their iterables.

    Parameters:
        iterables: what to merge: any iterable of iterables, such as a `map` object.
        key: what to sort by, called with an item; the item itself by default.
    """
    merge: Callable[..., Iterator[Item]] = heapq.merge
    yield from merge(*iterables, key=key)
