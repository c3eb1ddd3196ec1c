# SPDX-License-Identifier: Apache-2.0
"""Transitions and registers fetched page by page, so that a loop does not cost a query each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TypeVar, cast

from reven2._service import (
    KIND_INSTRUCTION,
    NO_INSTRUCTION,
    EventData,
    RegisterPage,
    TraceService,
    TransitionPage,
    column,
)
from reven2.trace._exception import Exception as TraceEvent
from reven2.trace._instruction import Instruction

_ALIGNED = 64
_ALIGNED_PAGES_KEPT = 256
_LARGEST_PAGE = 8192
_INSTRUCTIONS_KEPT = 1 << 20


Part = TypeVar("Part", bound=Sequence[int])


def growing(numbers: Part, first: int, largest: int) -> Iterator[Part]:
    """Cut numbers into pages, each four times the one before, so that taking one item is as
    quick as taking all."""
    begin, size = 0, first
    while begin < len(numbers):
        yield cast("Part", numbers[begin : begin + size])
        begin, size = begin + size, min(size * 4, largest)


def next_page_size(size: int) -> int:
    """How large a page of transitions a loop wants after one of `size`."""
    return min(size * 4, _LARGEST_PAGE)


class Block:
    """A page of transitions, with the objects made of it on demand."""

    __slots__ = ("_index", "_instructions", "_page", "_pages", "_pcs", "_texts", "count", "first")

    def __init__(self, pages: TransitionPages, page: TransitionPage) -> None:
        self._pages, self._page = pages, page
        self.first, self.count = page.first, page.count
        self._pcs = column(page.pc, "Q")
        self._index = column(page.instruction, "I")
        self._instructions: list[Instruction] | None = None
        self._texts: list[str] | None = None

    def pc(self, number: int) -> int:
        return self._pcs[number - self.first]

    def kind(self, number: int) -> int:
        return self._page.kind[number - self.first]

    def thread(self, number: int) -> int:
        offset = 4 * (number - self.first)
        return int.from_bytes(self._page.thread[offset : offset + 4], "little")

    def text(self, number: int) -> str:
        texts = self._texts
        if texts is None:
            texts = self._texts = self._make_texts()
        return texts[number - self.first]

    def instruction(self, number: int) -> Instruction | None:
        """The instruction executed or cut short by the transition."""
        index = self._index[number - self.first]
        return None if index == NO_INSTRUCTION else self._all_instructions()[index]

    def event(self, number: int) -> TraceEvent | None:
        if self.kind(number) == KIND_INSTRUCTION:
            return None
        return self._event(self._page.events[number], number)

    def _event(self, data: EventData, number: int) -> TraceEvent:
        return TraceEvent(data, self.instruction(number) if data.synchronous else None)

    def _all_instructions(self) -> list[Instruction]:
        if self._instructions is None:
            addresses = column(self._page.address, "Q")
            keys = list(zip(addresses, self._page.code, strict=True))
            self._instructions = self._pages.instructions(keys)
        return self._instructions

    def _make_texts(self) -> list[str]:
        known = [str(instruction) for instruction in self._all_instructions()]
        if not self._page.events:
            return [known[index] for index in self._index]
        texts = [known[index] if index != NO_INSTRUCTION else "" for index in self._index]
        for number, data in self._page.events.items():
            texts[number - self.first] = str(self._event(data, number))
        return texts


class TransitionPages:
    """Pages of transitions and the instructions seen in them."""

    def __init__(self, service: TraceService) -> None:
        self._service = service
        self._aligned: OrderedDict[int, Block] = OrderedDict()
        self._known: dict[tuple[int, bytes], Instruction] = {}

    def block_of(self, number: int) -> Block:
        """A small page around one transition, kept for its neighbours."""
        key = number // _ALIGNED
        block = self._aligned.get(key)
        if block is None or number >= block.first + block.count:
            stop = min((key + 1) * _ALIGNED, self._service.transition_count())
            block = Block(self, self._service.transitions(key * _ALIGNED, stop))
            self._aligned[key] = block
            if len(self._aligned) > _ALIGNED_PAGES_KEPT:
                self._aligned.popitem(last=False)
        else:
            self._aligned.move_to_end(key)
        return block

    def blocks(self, numbers: range) -> Iterator[Block]:
        """Pages that cover consecutive transitions."""
        for part in growing(numbers, _ALIGNED, _LARGEST_PAGE):
            yield Block(self, self._service.transitions(part.start, part.stop))

    def texts(self, page: TransitionPage) -> list[str]:
        """Text of each different instruction of a page."""
        keys = list(zip(column(page.address, "Q"), page.code, strict=True))
        return [str(instruction) for instruction in self.instructions(keys)]

    def instructions(self, keys: list[tuple[int, bytes]]) -> list[Instruction]:
        """The instructions of these addresses and bytes, disassembled once each."""
        known = self._known
        missing = [key for key in keys if key not in known]
        if missing:
            if len(known) + len(missing) > _INSTRUCTIONS_KEPT:
                known.clear()
                missing = keys
            texts = self._service.disassemble(missing)
            for key, text in zip(missing, texts, strict=True):
                known[key] = Instruction(self._service, *key, text)
        return [known[key] for key in keys]


class RegisterBatch:
    """Registers of several contexts, fetched together when the first is asked for."""

    __slots__ = ("_contexts", "_page", "_service", "_threads")

    def __init__(self, service: TraceService, contexts: Sequence[int]) -> None:
        self._service, self._contexts = service, contexts
        self._threads: list[int] = []
        self._page: RegisterPage | None = None

    def at(self, index: int) -> tuple[int, bytes]:
        """Current thread and register view of the batch's context number `index`."""
        if self._page is None:
            page = self._service.registers(self._contexts)
            self._threads, self._page = column(page.thread, "I"), page
        return self._threads[index], self._page.row(index)
