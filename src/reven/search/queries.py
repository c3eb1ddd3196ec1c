# SPDX-License-Identifier: Apache-2.0
"""`SearchService`: bytes in memory, instructions by their text, values."""

from __future__ import annotations

from functools import lru_cache

from reven import _engine
from reven.patterns import Pattern
from reven.trace import disassembly
from reven.trace.core import CoreQueries
from reven.trace.opened import next_part, translated
from reven.trace.stopping import keep_going
from reven2._service import TransitionIds
from reven2._service.search import AddressPage, CreatedPage, ValuePage
from reven2.errors import InvalidArgumentError

__all__ = ["SearchQueries"]

_LONGEST_PATTERN = 1 << 16
_WIDEST = 32
_GENERAL, _VECTOR = 8, 16


class _Code:
    """The different instructions of a trace and their texts."""

    def __init__(self, trace: _engine.Trace) -> None:
        self.search = _engine.CodeSearch(trace)
        self._texts: list[str] | None = None
        self.matching = lru_cache(maxsize=64)(self._find_matching)

    def _find_matching(self, pattern: str) -> list[int]:
        """Numbers of those in whose text the pattern is found."""
        Pattern(pattern)  # refused before all are disassembled
        if self._texts is None:
            texts = []
            for position, instruction in enumerate(self.search.instructions):
                if position % 4096 == 0:
                    keep_going()
                text = disassembly.disassemble([instruction])[0]
                texts.append(f"{text.mnemonic} {text.operands}".rstrip())
            self._texts = texts
        compiled = Pattern(pattern)  # its time runs from here
        found = []
        for number, line in enumerate(self._texts):
            keep_going()
            if compiled.is_in(line):
                found.append(number)
        return found


class SearchQueries(CoreQueries):
    """See `reven2._service.search`."""

    def find_in_memory(
        self, pattern: bytes, context: int, address: int, size: int, *, limit: int
    ) -> AddressPage:
        search = self._memory_search(pattern)
        found: list[int] = []
        with translated():
            for mapped in self.mapped_ranges(context):
                low, high = max(address, mapped.start), min(address + size, mapped.stop)
                if low >= high:
                    continue
                part = search.find(
                    pattern, context, low, high - low, limit - len(found), keep_going
                )
                found.extend(part.tolist())
                if len(found) >= limit:
                    break
        return _addresses(found, limit)

    def standing_matches(
        self, pattern: bytes, context: int, stop: int, *, first: int, limit: int
    ) -> AddressPage:
        search = self._memory_search(pattern)
        with translated():
            found = search.standing(pattern, context, stop, first, limit, keep_going)
        return _addresses(found.tolist(), limit)

    def created_matches(self, pattern: bytes, start: int, stop: int, *, limit: int) -> CreatedPage:
        search = self._memory_search(pattern)
        with translated():
            found = search.created(pattern, start, stop, limit, keep_going)
        return CreatedPage(
            found.transition.tobytes(),
            found.address.tobytes(),
            found.is_mapping.tobytes(),
            next_part(found.transition, start, stop, True, limit),
        )

    def find_instructions(
        self, pattern: str, start: int, stop: int, *, forward: bool, limit: int
    ) -> TransitionIds:
        trace = self._trace()
        code = self._kept("code", lambda: _Code(trace))
        numbers = code.matching(pattern)
        with translated():
            found = code.search.find(
                numbers, start, stop, forward=forward, limit=limit, progress=keep_going
            )
        return TransitionIds(found.tobytes(), next_part(found, start, stop, forward, limit))

    def find_value(
        self, value: bytes, start: int, stop: int, *, size: int, limit: int
    ) -> ValuePage:
        if not 0 <= size <= _WIDEST or len(value) > _WIDEST:
            raise InvalidArgumentError(f"A value has at most {_WIDEST} bytes.")
        if size and value[size:].strip(b"\0"):
            raise InvalidArgumentError(f"That value does not fit {size} bytes.")
        with translated():
            found = _engine.find_value(
                self._trace(),
                value,
                start,
                stop,
                general_width=_GENERAL if size == 0 else size if size <= _GENERAL else 0,
                vector_width=size or _VECTOR,
                access_size=size,
                limit=limit,
                progress=keep_going,
            )
        return ValuePage(
            found.transition.tobytes(),
            found.register.tobytes(),
            found.address.tobytes(),
            found.size.tobytes(),
            found.is_write.tobytes(),
            next_part(found.transition, start, stop, True, limit),
        )

    def _memory_search(self, pattern: bytes) -> _engine.MemorySearch:
        if not 1 <= len(pattern) <= _LONGEST_PATTERN:
            raise InvalidArgumentError(
                f"A pattern has 1 to {_LONGEST_PATTERN} bytes, not {len(pattern)}."
            )
        trace = self._trace()
        return self._kept("memory search", lambda: _engine.MemorySearch(trace))


def _addresses(found: list[int], limit: int) -> AddressPage:
    packed = b"".join(address.to_bytes(8, "little") for address in found)
    return AddressPage(packed, found[-1] + 1 if len(found) >= limit else None)
