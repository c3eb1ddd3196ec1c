# SPDX-License-Identifier: Apache-2.0
"""Two sides, and how their threads go together."""

from __future__ import annotations

from functools import lru_cache

from reven.diff.alignment import Alignment, Divergence, Stretches
from reven.diff.labels import label_own_code, whole_code
from reven.diff.sides import Side

__all__ = ["Pair"]

_MOST_DIVERGENCES = 200
_MOST_IN_LIBRARIES = 64


class Pair:
    """The two sides, aligned thread by thread as it is asked for."""

    def __init__(self, a: Side, b: Side) -> None:
        self.a, self.b = a, b
        self.compared = label_own_code(a, b)
        self._threads = (_threads(a), _threads(b))
        self.alignment = lru_cache(maxsize=None)(self._alignment)
        self._whole = lru_cache(maxsize=1)(lambda: whole_code(a, b))

    @property
    def thread_count(self) -> tuple[int, int]:
        return len(self._threads[0]), len(self._threads[1])

    def alignments(self) -> list[Alignment]:
        """Of all threads that both have."""
        return [self.alignment(number) for number in range(min(self.thread_count))]

    def alignment_of(self, is_a: bool, transition: int) -> Alignment | None:
        """That of the thread that a transition of one side is of."""
        side = self.a if is_a else self.b
        thread = side.evidence.thread_at(transition)
        threads = self._threads[0 if is_a else 1]
        number = threads.index(thread) if thread in threads else len(threads)
        return self.alignment(number) if number < min(self.thread_count) else None

    def divergence_at(self, is_a: bool, transition: int) -> Divergence | None:
        found = self.alignment_of(is_a, transition)
        return None if found is None else found.divergence_at(is_a, transition)

    def counterpart(self, is_a: bool, transition: int) -> int | None:
        found = self.alignment_of(is_a, transition)
        return None if found is None else found.counterpart(is_a, transition)

    def are_same(self, a: int, b: int) -> bool:
        """Whether transitions of the two are the same step of the program; of what ran before
        the stretches that are compared, whether it is the same instruction."""
        if self.a.key(a) != self.b.key(b):
            return False
        if a < self.a.start and b < self.b.start:
            return True
        return self.counterpart(True, a) == b

    @property
    def is_whole(self) -> bool:
        """Whether whole traces are compared."""
        return self.a.is_whole and self.b.is_whole

    def in_libraries(self, a: int, stop_a: int, b: int, stop_b: int) -> Alignment:
        """All code, libraries too, of two stretches of a thread each."""
        thread_a, thread_b = self.a.evidence.thread_at(a), self.b.evidence.thread_at(b)
        return Alignment(
            (self.a, self.b),
            self._whole(),
            Stretches(thread_a, a, stop_a, thread_b, b, stop_b),
            _MOST_IN_LIBRARIES,
        )

    def _alignment(self, number: int) -> Alignment:
        return Alignment(
            (self.a, self.b),
            (self.a.code, self.b.code),
            Stretches(
                self._threads[0][number], self.a.start, self.a.stop,
                self._threads[1][number], self.b.start, self.b.stop,
            ),
            _MOST_DIVERGENCES,
        )  # fmt: skip


def _threads(side: Side) -> list[int]:
    """Those that run in the stretch, in the order in which they were made."""
    return [
        one.id
        for one in side.service._trace().threads()
        if one.first_transition < side.stop and one.last_transition >= side.start
    ]
