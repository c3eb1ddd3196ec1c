# SPDX-License-Identifier: Apache-2.0
"""The service answers in messages that can travel."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reven.service.local import LocalService
from reven2._service import column
from reven2.arch._table import REGISTER_VIEW_SIZE
from reven2.errors import ClosedError, MemoryReadError, TraceError

SOURCE = r"""
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

typedef int function(void);

int main(void) {
    unsigned char *code = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int sum = 0;
    for (unsigned char i = 1; i <= 3; ++i) {
        memcpy(code, (unsigned char[]){0xb8, i, 0, 0, 0, 0xc3}, 6); /* mov eax, i; ret */
        sum += ((function *)code)();
    }
    raise(sum == 6 ? SIGTERM : SIGKILL);
    return 0;
}
"""

CODE = [(0x10000000, 0x10001000)]


@pytest.fixture
def trace(record_program: Callable[..., Path]) -> Path:
    return record_program(SOURCE)


@pytest.fixture
def service(trace: Path) -> Iterator[LocalService]:
    opened = LocalService(trace)
    yield opened
    opened.close()


def _answers(service: LocalService) -> Iterator[Any]:
    count = service.transition_count()
    yield service.info()
    yield service.threads()
    page = service.transitions(count - 100, count)
    yield page
    addresses = column(page.address, "Q")
    yield service.disassemble(list(zip(addresses, page.code, strict=True)))
    yield service.operands(addresses[0], page.code[0])
    yield service.registers([0, count])
    yield service.mapped_ranges(count)
    yield service.accesses(0, count, 0, 1 << 64, reads=True, writes=True, forward=True, limit=50)
    yield service.find_pcs([(addresses[0], addresses[0] + 1)], 0, count, forward=True, limit=10)
    binaries = service.binaries()
    yield binaries
    binary = binaries[0].id
    yield service.binary_ranges(binary)
    symbols = service.symbols(binary, "", case_sensitive=True, kind="", start=0, limit=20)
    yield symbols
    yield service.symbol_entries(binary, symbols.symbols[0].rva)
    yield service.locate(count, column(page.pc, "Q")[0])
    yield service.processes()


def test_every_answer_survives_the_wire(service: LocalService) -> None:
    for answer in _answers(service):
        ty = list[type(answer[0])] if isinstance(answer, list) else type(answer)  # type: ignore[misc]
        for codec in (msgspec.msgpack, msgspec.json):
            assert codec.decode(codec.encode(answer), type=ty) == answer


def test_pages_of_answers_make_up_the_whole(service: LocalService) -> None:
    count = service.transition_count()

    def ask(start: int, stop: int, forward: bool, limit: int) -> Any:
        return service.accesses(
            start, stop, 0, 1 << 64, reads=True, writes=True, forward=forward, limit=limit
        )

    for forward in (True, False):
        whole = ask(0, count, forward, 1 << 30)
        assert whole.next is None
        parts, start, stop = [], 0, count
        while True:
            page = ask(start, stop, forward, 777)
            parts.append(page)
            if page.next is None:
                break
            start, stop = (page.next, stop) if forward else (start, page.next)
        for name in ("transition", "address", "size", "is_write"):
            assert b"".join(getattr(part, name) for part in parts) == getattr(whole, name)
        assert len(parts) > 2


def test_code_that_changes_under_its_address(service: LocalService) -> None:
    count = service.transition_count()
    page = service.find_pcs(CODE, 0, count, forward=True, limit=100)
    numbers = column(page.transition, "Q")
    window = service.transitions(numbers[0], numbers[-1] + 1)
    index, addresses = column(window.instruction, "I"), column(window.address, "Q")
    executed = [index[number - numbers[0]] for number in numbers]
    code = [window.code[entry] for entry in executed]
    assert code == [
        instruction for i in (1, 2, 3) for instruction in (bytes([0xB8, i, 0, 0, 0]), b"\xc3")
    ]
    texts = service.disassemble([(addresses[entry], window.code[entry]) for entry in executed])
    assert [f"{t.mnemonic} {t.operands}" for t in texts][::2] == [
        "mov eax, 0x1",
        "mov eax, 0x2",
        "mov eax, 0x3",
    ]


def test_a_page_holds_each_instruction_once(service: LocalService) -> None:
    page = service.transitions(0, 5000)
    addresses = column(page.address, "Q")
    assert len({*zip(addresses, page.code, strict=True)}) == len(addresses)
    for entry, pc in zip(column(page.instruction, "I"), column(page.pc, "Q"), strict=True):
        assert addresses[entry] == pc


def test_register_pages_agree_with_single_contexts(service: LocalService) -> None:
    contexts = [0, 5, 4, service.transition_count(), 5]
    page = service.registers(contexts)
    assert len(page.view) == REGISTER_VIEW_SIZE * len(contexts)
    for number, context in enumerate(contexts):
        alone = service.registers([context])
        assert page.view[number * REGISTER_VIEW_SIZE :][:REGISTER_VIEW_SIZE] == alone.view
        assert column(page.thread, "I")[number] == column(alone.thread, "I")[0]


def test_a_read_that_fails_names_the_byte(service: LocalService) -> None:
    [stack] = [r for r in service.mapped_ranges(0) if service.locate(0, r.start) is not None
               and str(service.locate(0, r.start)).count("[stack]")]  # fmt: skip
    with pytest.raises(MemoryReadError, match="nothing is mapped there") as caught:
        service.read_memory(0, stack.stop - 4, 8)
    assert caught.value.address == stack.stop
    data, known = service.read_known_memory(0, stack.stop - 4, 8)
    assert len(data) == 8
    assert known == b"\1\1\1\1\0\0\0\0"


def test_a_closed_service_says_so(trace: Path) -> None:
    service = LocalService(trace)
    service.close()
    for ask in (service.transition_count, service.threads, service.binaries):
        with pytest.raises(ClosedError, match="is closed"):
            ask()


def _damage(trace: Path, tmp_path: Path, manifest: str | None) -> Path:
    copy = tmp_path / "copy.reven"
    shutil.copytree(trace, copy)
    if manifest is None:
        (copy / "manifest.json").unlink()
    else:
        (copy / "manifest.json").write_text(manifest)
    return copy


@pytest.mark.parametrize("manifest", [None, "", "[]", "{", '{"uuid": 3}'])
def test_a_damaged_manifest_is_refused(trace: Path, tmp_path: Path, manifest: str | None) -> None:
    copy = _damage(trace, tmp_path, manifest)
    with pytest.raises(TraceError, match=r"manifest"):
        LocalService(copy).info()


def test_a_trace_without_copies_of_its_binaries_still_answers(trace: Path, tmp_path: Path) -> None:
    manifest = json.loads((trace / "manifest.json").read_text())
    manifest["binaries"] = []
    service = LocalService(_damage(trace, tmp_path, json.dumps(manifest)))
    page = service.transitions(0, 1)
    location = service.locate(0, column(page.pc, "Q")[0])
    assert location is not None
    assert location.binary is not None
    assert location.symbol is None
    service.close()
