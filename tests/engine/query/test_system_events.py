# SPDX-License-Identifier: Apache-2.0
"""What a trace says of the process: its mappings, system calls and threads."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reven._engine import Mapping, Trace
from tests.engine.conftest import Everything
from tests.engine.programs import MAPS, SYSCALLS

FREESTANDING = ("-nostdlib", "-static", "-no-pie", "-ffreestanding", "-fno-stack-protector")
PAGE = 4096
EBADF = 9


def protections(text: str) -> dict[int, tuple[int, str]]:
    """Protection and file of every page in the text of a /proc/…/maps."""
    pages = {}
    for line in text.splitlines():
        span, rights, _, _, _, *path = line.split(maxsplit=5)
        low, high = (int(word, 16) for word in span.split("-"))
        if high - low > 1 << 30:
            continue  # Valgrind's own
        value = sum(bit for bit, letter in zip((1, 2, 4), rights, strict=False) if letter != "-")
        for page in range(low, high, PAGE):
            pages[page] = value, path[0] if path else ""
    return pages


@pytest.mark.parametrize("flags", [(), ("-static",)])
def test_mappings_are_those_that_the_kernel_tells_the_program(
    compile_program: Callable[..., Path],
    record_command: Callable[..., Path],
    tmp_path: Path,
    flags: tuple[str, ...],
) -> None:
    program = compile_program(MAPS, *flags)
    files = [tmp_path / "first", tmp_path / "second"]
    trace = Trace(str(record_command([program, *files])))
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    offset = int(next(s for s in listing.splitlines() if s.endswith(" copy_maps")).split()[0], 16)
    base = min(m.address for m in trace.mappings() if m.path == str(program) and m.file_offset == 0)
    function = offset if flags else base + offset
    calls = trace.find_pcs([(function, function + 1)], 0, trace.transition_count)
    assert len(calls) == 2
    seen = []
    for context, file in zip(calls.tolist(), files, strict=True):
        truth = protections(file.read_text())
        standing = [m for m in trace.mappings() if m.first_context <= context <= m.last_context]
        seen.append({m.address for m in standing})
        assert sum(m.size for m in standing) > 50 * PAGE
        for mapping in standing:
            # What the recorder brought along is kept from the program, but it is there.
            if mapping.path != "[recorder]":
                check_mapping(mapping, truth)
        # Every page of the program's own file is in one.
        mine = {p for m in standing for p in range(m.address, m.address + m.size, PAGE)}
        assert {page for page, (_, path) in truth.items() if path == str(program)} <= mine
    assert seen[0] != seen[1]


def check_mapping(mapping: Mapping, truth: dict[int, tuple[int, str]]) -> None:
    pages = range(mapping.address, mapping.address + mapping.size, PAGE)
    if mapping.path == "[stack]":
        # It spans what the stack may grow to; the kernel tells how far it has grown.
        pages = pages[-2:]
    for page in pages:
        assert page in truth, f"{page:#x} of {mapping.path} is not mapped"
        protection, path = truth[page]
        # Valgrind's heap may be executable.
        ignored = 4 if mapping.path == "[heap]" else 0
        assert protection | ignored == mapping.protection | ignored, f"{page:#x} of {mapping.path}"
        if mapping.path.startswith("/"):
            assert path == mapping.path


def test_system_calls(
    compile_program: Callable[..., Path], record_command: Callable[..., Path]
) -> None:
    path = record_command([compile_program(SYSCALLS, *FREESTANDING)])
    trace = Trace(str(path))
    pid = json.loads((path / "manifest.json").read_bytes())["pid"]
    calls = trace.syscalls(0, trace.transition_count)
    assert [call.number for call in calls] == [39, 1, 9, 11, 186, 231]
    getpid, write, mmap, munmap, gettid, leave = calls
    assert getpid.result == gettid.result == pid
    assert write.result == -EBADF
    assert (write.arguments[0], write.arguments[2]) == (77, 11)
    assert trace.read_memory(write.transition, write.arguments[1], 11) == b"to no file\n"
    assert mmap.result is not None
    assert mmap.result % PAGE == 0
    assert munmap.arguments[:2] == (mmap.result, 8192)
    assert munmap.result == 0
    assert leave.arguments[0] == 3
    assert leave.result is None
    page = trace.transitions(0, trace.transition_count)
    for call in calls:
        assert bytes(page.code[call.transition][:2]) == b"\x0f\x05"
    span = [m for m in trace.mappings() if m.address == mmap.result]
    assert [(m.size, m.protection) for m in span] == [(8192, 3)]
    assert span[0].first_context == mmap.transition + 1
    assert munmap.transition <= span[0].last_context <= munmap.transition + 1


def test_threads_span_their_transitions(varied: Everything) -> None:
    of_transition = varied.trace.transitions(0, varied.count).thread
    threads = varied.trace.threads()
    assert sorted(thread.id for thread in threads) == sorted(np.unique(of_transition).tolist())
    for thread in threads:
        its = np.flatnonzero(of_transition == thread.id)
        assert (thread.first_transition, thread.last_transition) == (its[0], its[-1])
