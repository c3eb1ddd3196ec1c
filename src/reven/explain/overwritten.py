# SPDX-License-Identifier: Apache-2.0
"""Pointers that were stored whole, and later written over in parts: a loop or a copy went on
beyond what lies before them, though within the same object, where no bound tells."""

from __future__ import annotations

from reven.explain.outcome import Outcome
from reven.explain.story import Wrong
from reven.taint.origin_tree import Chain

__all__ = ["overwritten_pointer"]

_POINTER = 8
_MOST_WRITES = 256
_NO_CAUSE = 0


def overwritten_pointer(outcome: Outcome, chain: Chain) -> Wrong | None:
    """Who wrote over a part of the pointer that a chain of an address leads back to; None if it
    is as it was stored."""
    for hop in chain.hops:
        if hop.kind == "load" and hop.before is not None and hop.transition is not None:
            is_memory, address, size = hop.before
            if not is_memory or size != _POINTER:
                return None
            return _overwritten(outcome, address, hop.transition)
    return None


def _overwritten(outcome: Outcome, address: int, at: int) -> Wrong | None:
    evidence = outcome.evidence
    found = evidence.trace().accesses(
        0, at, address, _POINTER, reads=False, forward=False, limit=_MOST_WRITES
    )
    parts: list[tuple[int, int]] = []
    for transition, start, size, cause in zip(
        found.transition.tolist(),
        found.address.tolist(),
        found.size.tolist(),
        found.cause.tolist(),
        strict=True,
    ):
        if start <= address and start + size >= address + _POINTER:
            if not parts or cause != _NO_CAUSE:
                return None
            return _told(outcome, address, transition, parts)
        parts.append((transition, start))
    return None


def _told(outcome: Outcome, address: int, stored: int, parts: list[tuple[int, int]]) -> Wrong:
    evidence = outcome.evidence
    first, start = parts[-1]
    where = f"the pointer at {address:#x}"
    called = None if evidence.place_of(first).is_own else evidence.called_from_own(first)
    verb = "writes over"
    if called is not None and called[1].transition is not None:
        verb = f"{evidence.function_named(called[0])}, called here, writes over"
        blamed = called[1].transition
    else:
        blamed = first
    wrong = evidence.statement("wrong", f"{verb} {where}, in parts", blamed)
    more = [evidence.statement("note", f"{where} was stored here", stored)]
    source = outcome.story.source(evidence.explore(first + 1, (True, start, 1)))
    if source is not None:
        more.append(source)
    return Wrong("overflow", wrong, tuple(more))
