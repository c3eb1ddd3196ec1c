# SPDX-License-Identifier: Apache-2.0
"""Views say of a trace what its queries say, in words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reven.expressions import evaluate
from reven.printable import printable
from reven.server.views import VIEWS
from reven.server.views.instructions import text
from reven.service.local import LocalService
from reven.trace.disassembly import disassemble
from reven2._service import column
from reven2.arch._table import REGISTER_VIEW_SIZE
from reven2.arch.register import Register
from reven2.errors import InvalidArgumentError, MemoryReadError, OutOfRangeError

from .running import Running

MASK = (1 << 64) - 1


@pytest.fixture(scope="module")
def service(trace: Path) -> Iterator[LocalService]:
    service = LocalService(trace)
    yield service
    service.close()


def show(service: LocalService, name: str, **arguments: Any) -> Any:
    view = VIEWS[name]
    return view.show(service, view.arguments(**arguments))


def register(service: LocalService, name: str, context: int) -> int:
    return Register.from_name(name).bits(service.registers([context]).view)


def test_a_view_over_http_is_the_view(server: Running, service: LocalService) -> None:
    scenario = server.run_file.scenarios[0]
    asked = {"first": 10, "count": 20}
    answer = server.json("POST", f"/api/v1/scenarios/{scenario}/views/trace", asked)
    expected = show(service, "trace", **asked)
    assert msgspec.convert(answer, VIEWS["trace"].answer) == expected


def test_trace_rows_agree_with_the_transitions(service: LocalService) -> None:
    count = service.transition_count()
    page = service.transitions(0, count)
    pcs = column(page.pc, "Q")
    for first in range(0, count, 500):
        answer = show(service, "trace", first=first, count=500)
        assert answer.total == count
        for row in answer.rows:
            assert int(row.pc, 16) == pcs[row.id]
            if row.instruction is not None:
                assert answer.instructions[row.instruction].address == row.pc
        assert [row.id for row in answer.rows] == list(range(first, min(first + 500, count)))


def test_values_of_a_row_are_those_of_its_contexts(service: LocalService) -> None:
    for row in show(service, "trace", first=0, count=300).rows:
        for value in row.values:
            if value.kind in ("register", "result"):
                context = row.id + (value.kind == "result")
                assert int(value.value, 16) == register(service, value.name, context)
            elif value.kind in ("read", "write") and value.value:
                context = row.id + (value.kind == "write")
                data = service.read_memory(context, int(value.address, 16), value.size)
                assert int(value.value, 16) == int.from_bytes(data, "little")
            elif value.kind == "note":
                assert value.text in ("taken", "not taken")


def test_rows_beyond_the_end_are_left_out(service: LocalService) -> None:
    count = service.transition_count()
    assert show(service, "trace", first=count - 3, count=100).rows[-1].id == count - 1
    assert show(service, "trace", first=count + 10, count=5).rows == []
    with pytest.raises(InvalidArgumentError, match="at most"):
        show(service, "trace", first=0, count=100_000)


def test_words_of_an_instruction_are_its_text(service: LocalService) -> None:
    page = service.transitions(0, 500)
    for address, code in zip(column(page.address, "Q"), page.code, strict=True):
        words = text(address, code)
        (line,) = disassemble([(address, code)])
        shown = "".join(word for _, word in words.tokens[1:])
        plain = re.sub(r" ptr\b|\b[cdes]s:(?=\[)| \(\$[+-]0x[0-9a-f]+\)$", "", line.operands)
        assert (words.tokens[0], shown) == (("mnemonic", line.mnemonic), plain)


def test_registers_before_and_after(service: LocalService) -> None:
    for number in range(0, service.transition_count(), 97):
        answer = show(service, "registers", transition=number)
        for each in (*answer.general, *answer.flags, *answer.vectors, *answer.others):
            assert int(each.before, 16) == register(service, each.name, number)
            assert int(each.after, 16) == register(service, each.name, number + 1)
    with pytest.raises(OutOfRangeError):
        show(service, "registers", transition=service.transition_count())


def test_memory_with_what_is_unknown(service: LocalService) -> None:
    stack = register(service, "rsp", 50)
    asked = {"context": 50, "transition": 50, "expression": "rsp", "size": 256}
    answer = show(service, "memory", offset=-64, **asked)
    assert int(answer.origin, 16) == stack
    assert int(answer.address, 16) == stack - stack % 16 - 64
    data, known = service.read_known_memory(50, int(answer.address, 16), 256)
    pairs = [answer.bytes[at : at + 2] for at in range(0, 512, 2)]
    assert pairs == [
        f"{byte:02x}" if is_known else "??" for byte, is_known in zip(data, known, strict=True)
    ]


def test_history_both_ways_is_every_access(service: LocalService) -> None:
    count = service.transition_count()
    cells = int(show(service, "address", context=0, expression="cells").address, 16)
    page = service.accesses(
        0, count, cells, 64, reads=True, writes=True, forward=True, limit=100_000
    )
    expected = list(
        zip(
            column(page.transition, "Q"),
            column(page.address, "Q"),
            column(page.is_write, "B"),
            strict=True,
        )
    )
    assert len(expected) > 100
    middle = expected[len(expected) // 2][0]
    asked = {"address": hex(cells), "size": 64, "limit": 17}

    def pages(start: int | None, forward: bool) -> Iterator[Any]:
        while start is not None:
            answer = show(service, "history", start=start, forward=forward, **asked)
            yield answer.rows
            start = answer.next

    rows = [row for part in reversed(list(pages(middle, False))) for row in part]
    rows += [row for part in pages(middle, True) for row in part]
    assert [(row.transition, int(row.address, 16), row.is_write) for row in rows] == expected
    for row in rows[::20]:
        data = service.read_memory(row.transition + row.is_write, int(row.address, 16), row.size)
        assert int(row.value, 16) == int.from_bytes(data, "little")


def test_moves_agree_with_a_walk(service: LocalService) -> None:
    count = service.transition_count()
    pcs = column(service.transitions(0, count).pc, "Q")
    rax = [
        Register.from_name("rax").bits(service.registers([context]).view[:REGISTER_VIEW_SIZE])
        for context in range(200)
    ]
    for number in (0, 1, 57, 120):
        following = [other for other in range(number + 1, count) if pcs[other] == pcs[number]]
        former = [other for other in range(number) if pcs[other] == pcs[number]]
        runs = {
            True: following[0] if following else None,
            False: former[-1] if former else None,
        }
        for forward, expected in runs.items():
            found = show(service, "run", transition=number, forward=forward)
            assert found.transition == expected
        change = show(service, "register_change", register="rax", transition=number, forward=True)
        later = [at for at in range(number + 1, 199) if rax[at] != rax[at + 1]]
        assert change.transition == later[0]
        change = show(service, "register_change", register="rax", transition=number, forward=False)
        earlier = [at for at in range(number) if rax[at] != rax[at + 1]]
        assert change.transition == (earlier[-1] if earlier else None)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("#12", 12), ("12", 12), (" # 1,2 ", 12), ("0%", 0), ("100%", -1), ("count", "count")],
)
def test_a_jump(service: LocalService, typed: str, expected: int | str) -> None:
    answer = show(service, "jump", text=typed, transition=0)
    if isinstance(expected, str):
        assert answer.place.symbol == expected
        assert column(service.transitions(answer.transition, answer.transition + 1).pc, "Q") == [
            int(answer.address, 16)
        ]
    else:
        assert answer.transition == expected % service.transition_count()


def test_names_that_begin_with_what_was_typed_come_first(service: LocalService) -> None:
    assert [name.name for name in show(service, "names", text="coun").names] == ["count"]
    assert show(service, "names", text="CELL").names[0].kind == "object"


class TestExpressions:
    """Addresses as an analyst types them."""

    def test_registers_symbols_memory_and_segments(self, service: LocalService) -> None:
        stack = register(service, "rsp", 50)
        assert evaluate(service, 50, "rsp+0x20") == stack + 0x20
        assert evaluate(service, 50, " RSP - 8*2 ") == stack - 16
        word = int.from_bytes(service.read_memory(50, stack, 8), "little")
        assert evaluate(service, 50, "[rsp]+4") == (word + 4) & MASK
        assert evaluate(service, 50, "fs:0x28") == register(service, "fs_base", 50) + 0x28
        assert evaluate(service, 50, "program!cells") == evaluate(service, 50, "cells")
        located = service.locate(50, evaluate(service, 50, "cells"))
        assert located is not None
        assert located.symbol is not None
        assert located.symbol.name == "cells"

    @pytest.mark.parametrize(
        "typed",
        ["", "rsp+", "(rsp", "[rsp", "rsp rsp", "nothing", "other!cells", "fs:", "$", "1 +* 2",
         "(" * 300, "1+" * 400],
    )  # fmt: skip
    def test_what_means_nothing_is_refused(self, service: LocalService, typed: str) -> None:
        with pytest.raises(InvalidArgumentError):
            evaluate(service, 0, typed)

    def test_memory_that_cannot_be_read(self, service: LocalService) -> None:
        with pytest.raises(MemoryReadError):
            evaluate(service, 0, "[0x8]")

    @given(st.recursive(
        st.integers(0, MASK).map(hex) | st.integers(0, 10**9).map(str),
        lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(
            lambda parts: f"({parts[0]}){parts[1]}({parts[2]})"
        ) | st.tuples(inner, inner).map(" + ".join),
        max_leaves=8,
    ))  # fmt: skip
    def test_arithmetic_wraps_around_at_64_bits(self, service: LocalService, typed: str) -> None:
        assert evaluate(service, 0, typed) == eval(typed) & MASK

    @given(st.text(max_size=40))
    def test_any_text_is_an_address_or_refused(self, service: LocalService, typed: str) -> None:
        with contextlib.suppress(InvalidArgumentError, MemoryReadError):
            assert 0 <= evaluate(service, 0, typed) <= MASK


def test_system_calls_are_those_of_the_trace(service: LocalService) -> None:
    count = service.transition_count()
    calls = service.decoded_syscalls(0, count, names=[], failed=False, limit=count).calls
    shown: list[Any] = []
    while len(shown) < len(calls):
        answer = show(service, "syscalls", first=len(shown), count=7, at=calls[3].transition)
        assert (answer.total, answer.here) == (len(calls), 3)
        shown += answer.rows
    assert [row.transition for row in shown] == [call.transition for call in calls]
    assert [row.error for row in shown] == [call.error for call in calls]
    for row, call in zip(shown, calls, strict=True):
        whole = f"{row.name}{row.text}" + (f" = {row.result}" if row.result else "")
        assert "…" in whole or whole == printable(call.text)


@given(st.sampled_from(["", "openat", "files", "memory libc", "LIBC", "mmap prot"]), st.booleans())
def test_a_filter_of_system_calls_is_that_of_each(
    service: LocalService, words: str, failed: bool
) -> None:
    count = service.transition_count()
    names: list[str] = []
    text: list[str] = []
    for word in words.split():
        (names if word in ("openat", "files", "memory", "mmap") else text).append(word)
    calls = service.decoded_syscalls(0, count, names=names, failed=failed, limit=count).calls
    wanted = [call.transition for call in calls if " ".join(text).lower() in call.text.lower()]
    answer = show(service, "syscalls", filter=words, failed=failed, count=256)
    assert [row.transition for row in answer.rows] == wanted[:256]
    assert answer.total == len(wanted)


WRITES = r"""
#include <sys/uio.h>
#include <unistd.h>
int main(void) {
    struct iovec parts[] = {{"one ", 4}, {"line\nand a", 10}, {"nother\n\n", 8}};
    if (writev(1, parts, 3) < 0 || write(2, "\tto error", 9) < 0) return 1;
    for (int i = 0; i < 700; i++) if (write(1, "0123456789\n", 11) < 0) return 1;
    return 0;
}
"""


def test_output_is_every_write_once_and_in_its_order(
    record_program: Callable[..., Path],
) -> None:
    service = LocalService(record_program(WRITES))
    count = service.transition_count()
    page = service.transfers(
        0, count, file=None, is_write=True, most_bytes=1 << 16, limit=1000, forward=True
    )
    written = [one for one in page.transfers if one.descriptor in (1, 2)]
    for at in (0, written[0].transition, count):
        answer = show(service, "output", transition=at)
        assert answer.begins
        assert answer.ends
        text = "".join(part.text + "\n" * part.is_last for part in answer.parts)
        assert text == b"".join(one.data for one in written).decode()
        for part in answer.parts:
            data = service.read_memory(part.transition, int(part.address, 16), part.size)
            assert data.decode() == part.text + "\n" * part.is_last
    cut = show(service, "output", transition=count, limit=1)
    assert not cut.begins
    assert {part.transition for part in cut.parts} == {written[-1].transition}
    service.close()
