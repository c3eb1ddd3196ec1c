# SPDX-License-Identifier: Apache-2.0
"""Every system call of the table: recorded, its outputs loaded, and what the kernel read of
memory told as the table says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reven import _engine
from reven.ossi.linux.system_call_types import arguments_of, size_of
from reven.ossi.linux.system_calls import Argument, Count, SystemCall, system_calls

Record = Callable[..., Path]
Open = Callable[[Path], Any]
SOURCE = (Path(__file__).parent / "system_calls.c").read_text()

NOT_MADE = {
    "exit": "made by the child, whose trace is another",
    "vfork": "returns twice on one stack; the tests of the heap and of exec start programs so",
    "sync": "writes every disk of the machine",
    "vhangup": "would hang up the terminal that the tests run in",
    "uprobe": "kills who calls it from elsewhere than the kernel's trampoline",
    "uretprobe": "kills who calls it from elsewhere than the kernel's trampoline",
}
# As the kernel, or the recorder, looks at less than the table says, or at more.
NOT_READ = {
    "clone3": "answered before anything is read",
    "rseq": "answered before anything is read",
    "modify_ldt": "answered before anything is read",
    "sched_setattr": "its structure says how large it is",
    "sendmmsg": "the last field of its structures is only written",
}


@pytest.fixture(scope="module")
def trace(record_program: Record) -> Path:
    return record_program(SOURCE, "-O1", "-w")


def test_every_call_of_the_table_is_made(trace: Path) -> None:
    engine = _engine.Trace(str(trace))
    made = {call.number for call in engine.syscalls(0, engine.transition_count, 100_000)}
    missing = {call.name for number, call in system_calls().items() if number not in made}
    assert missing == set(NOT_MADE)


def test_every_byte_that_calls_wrote_is_known(trace: Path) -> None:
    checked = _engine.Trace(str(trace)).check()
    assert (checked.problems, checked.bad_loads, checked.bad_key_frames) == ([], 0, 0)
    assert checked.loads > 100_000


def _counted(count: Count | None, call: SystemCall, values: tuple[int, ...]) -> int | None:
    """How many elements; None if the value is elsewhere."""
    if count is None:
        return 1
    if count.pointed or count.of == "result":
        return None
    names = [argument.name for argument in call.arguments]
    return count.value(values[names.index(count.of)] & 0xFFFFFFFF if count.of else 0)


def _read(call: SystemCall, made: _engine.Syscall) -> Iterator[tuple[Argument, int, int]]:
    """What the table says that a call read: argument, address, and how much at least."""
    values = tuple(made.arguments)
    for argument, value in zip(arguments_of(call, values), values, strict=False):
        if value == 0 or argument.access not in ("in", "inout", "gather"):
            continue
        if argument.type in ("path", "string"):
            yield argument, value, 1
        elif not argument.is_list and argument.type not in ("fdset", "sockaddr", "file_handle"):
            count = _counted(argument.used or argument.room, call, values)
            if count is None:
                count = made.result or 0
            if size := count * size_of(argument.type):
                yield argument, value, size


def test_what_the_table_says_is_read_is_recorded(trace: Path) -> None:
    engine = _engine.Trace(str(trace))
    count = engine.transition_count
    found = engine.accesses(0, count, limit=1 << 30)
    reads: dict[int, list[range]] = {}
    for transition, address, size, is_write, cause in zip(
        found.transition, found.address, found.size, found.is_write, found.cause, strict=True
    ):
        if cause == 2 and not is_write:
            start = int(address)
            reads.setdefault(int(transition), []).append(range(start, start + int(size)))
    missing = []
    for made in engine.syscalls(0, count, 100_000):
        call = system_calls()[made.number]
        if made.result is None or made.result < 0 or call.name in NOT_READ:
            continue
        for argument, address, size in _read(call, made):
            known = reads.get(made.transition, [])
            if not all(any(at in one for one in known) for at in (address, address + size - 1)):
                missing.append(f"{call.name}: {argument.name}")
    assert not missing, ", ".join(missing)


def test_calls_that_are_not_carried_out_are_named_once(trace: Path, open_trace: Open) -> None:
    said = [str(notice) for notice in open_trace(trace).trace.notices]
    for name in ("userfaultfd", "modify_ldt", "remap_file_pages"):
        assert sum(sentence.startswith(f"{name},") for sentence in said) == 1
    for name in ("openat2", "pidfd_open", "epoll_pwait2", "futex_waitv", "clone3", "rseq"):
        assert not any(sentence.startswith(name) for sentence in said)
