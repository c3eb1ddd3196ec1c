# SPDX-License-Identifier: Apache-2.0
"""Packers and compilers written for this, of which every layer is known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reven2
from reven2._service import column
from reven2.preview import unpacking

REVEN = str(Path(sys.executable).with_name("reven"))

PACKER = r"""
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
__asm__(".globl decoder, decoder_end\n"
        "decoder: mov %rdi, %rax\n"
        "1: xorb $0x5a, (%rax); inc %rax; dec %rsi; jnz 1b\n"
        "jmp *%rdi\n"
        "decoder_end:\n");
extern char decoder[], decoder_end[];
static const unsigned char hidden[] = {0xb8 ^ 0x5a, 42 ^ 0x5a, 0x5a, 0x5a, 0x5a, 0xc3 ^ 0x5a};
static void *room(void) {
    return mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
int main(void) {
    char *first = room(), *second = room(), *third = room();
    memcpy(first, decoder, decoder_end - decoder);
    memcpy(first + 4096, hidden, sizeof hidden);
    int sum = ((int (*)(char *, long))first)(first + 4096, sizeof hidden);
    for (int i = 1; i <= 3; i++) { /* a compiler that uses its room again */
        unsigned char code[] = {0xb8, i, 0, 0, 0, 0xc3};
        memcpy(second, code, sizeof code);
        sum += ((int (*)(void))second)();
    }
    int ends[2];
    if (pipe(ends) || write(ends[1], "\xb8\x07\0\0\0\xc3", 6) != 6) return 1;
    if (read(ends[0], third, 6) != 6) return 1; /* the kernel writes it */
    sum += ((int (*)(void))third)();
    printf("%p %p %p %d\n", first, second, third, sum);
    return 0;
}
"""
PLAIN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void) {
    char *copy = malloc(4096); /* written, and never run */
    memcpy(copy, (char *)main, 64);
    printf("%d\n", copy[3]);
    return 0;
}
"""


@pytest.fixture(scope="module")
def trace(record_program: Any) -> Path:
    path: Path = record_program(PACKER, "-w")
    return path


def rooms(server: Any) -> tuple[int, int, int]:
    """What the program printed of itself."""
    said = next(one.data for one in server.trace.syscalls.transfers(is_write=True)
                if one.descriptor == 1)  # fmt: skip
    first, second, third, total = said.split()
    assert int(total) == 42 + 1 + 2 + 3 + 7
    return int(first, 16), int(second, 16), int(third, 16)


def test_every_layer_is_found_as_it_was_when_it_ran(trace: Path) -> None:
    with reven2.open(trace) as server:
        first, second, third = rooms(server)
        found = unpacking.layers(server.trace)
        assert found.is_complete
        assert [(one.depth, one.entry.offset) for one in found] == [
            (1, first),
            (2, first + 4096),
            (1, second),
            (1, second),
            (1, second),
            (1, third),
        ]
        at_entry = [one.data[one.entry.offset - one.address.offset :][:6] for one in found]
        code = [bytes([0xB8, number, 0, 0, 0, 0xC3]) for number in (42, 1, 2, 3, 7)]
        assert at_entry[1:] == code
        assert at_entry[0][:3] == b"\x48\x89\xf8"
        # What was to be decrypted still lay hidden when the decoder began.
        assert found[0].data[first + 4096 - found[0].address.offset :][:6] == bytes(
            byte ^ 0x5A for byte in code[0]
        )
        assert [one.transition.id for one in found] == sorted(one.transition.id for one in found)
        assert all(one.written.id < one.transition.id for one in found)
        assert found[1].written.pc == first + 3
        assert found[5].written.instruction is not None
        assert found[5].written.instruction.mnemonic == "syscall"
        assert len({one.file_name for one in found}) == len(found)


def test_each_instruction_that_was_written_counts_once(trace: Path) -> None:
    """Step by step: what was written when each instruction first ran."""
    with reven2.open(trace) as server:
        service, count = server.trace._service, server.trace.transition_count
        written: set[int] = set()
        seen: set[tuple[int, bytes]] = set()
        expected = 0
        accesses: dict[int, list[tuple[int, int]]] = {}
        start: int | None = 0
        while start is not None and start < count:
            page = service.accesses(
                start, count, 0, (1 << 64) - 1, reads=False, writes=True, forward=True, limit=10_000
            )
            columns = (column(page.transition, "Q"), column(page.address, "Q"))
            for transition, address, size in zip(*columns, column(page.size, "I"), strict=True):
                accesses.setdefault(int(transition), []).append((int(address), int(size)))
            start = page.next
        at = 0
        while at < count:
            part = service.transitions(at, count)
            pcs = np.frombuffer(part.pc, "<u8")
            for number, pc in enumerate(pcs.tolist()):
                transition = part.first + number
                instruction = server.trace.transition(transition).instruction
                if instruction is not None:
                    raw = instruction.raw
                    if (pc, raw) not in seen:
                        seen.add((pc, raw))
                        expected += any(byte in written for byte in range(pc, pc + len(raw)))
                for address, size in accesses.get(transition, ()):
                    written.update(range(address, address + min(size, 1 << 16)))
            at = part.first + part.count
        found = unpacking.layers(server.trace)
        assert sum(one.instructions for one in found) == expected


def test_a_program_that_writes_no_code_has_no_layer(record_program: Any) -> None:
    with reven2.open(record_program(PLAIN, "-w")) as server:
        found = unpacking.layers(server.trace)
        assert found == []
        assert found.is_complete


def test_the_command_writes_what_it_shows(trace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "layers"
    command: list[str | Path] = [REVEN, "unpacked", trace]
    shown = json.loads(
        subprocess.run([*command, "-o", folder, "--json"], capture_output=True, check=True).stdout
    )
    assert sorted(one["file"] for one in shown) == sorted(one.name for one in folder.iterdir())
    second = shown[1]["layer"]
    data = (folder / shown[1]["file"]).read_bytes()
    assert len(data) == second["size"]
    assert data[second["entry"] - second["start"] :][:2] == b"\xb8\x2a"
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert len(text.splitlines()) == len(shown)
    assert "layer 2" in text
    again = subprocess.run([*command, "-o", folder], capture_output=True, text=True, check=False)
    assert "exists" in again.stderr
