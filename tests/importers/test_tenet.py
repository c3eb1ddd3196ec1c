# SPDX-License-Identifier: Apache-2.0
"""Tenet text traces become traces, and traces become Tenet text traces."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reven import _engine
from reven.importers import CannotImport, importer_for
from reven2.arch import x64
from reven2.arch.register import Register
from reven2.errors import MemoryReadError, RegisterReadError, TraceError
from tests.importers.tenet_texts import (
    EVERY_REGISTER,
    FULL,
    export_trace,
    import_file,
    import_text,
    moments,
)

PROGRAM = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
char big[20000];
static long add(long a, long b) { return a + b; }
int main(void) {
    char text[64];
    int ends[2];
    long sum = 0;
    for (int i = 0; i < 20; i++) { sum = add(sum, i); text[i] = (char)('a' + i); }
    if (pipe(ends) || write(ends[1], text, 20) != 20 || read(ends[0], text + 30, 20) != 20)
        return 1;
    memset(big, 'x', sizeof big);
    return printf("%ld %.20s\n", sum, text + 30) < 0;
}
"""


@pytest.fixture(scope="module")
def recorded(record_program):
    return record_program(PROGRAM)


@pytest.fixture(scope="module")
def round_trip(recorded, tmp_path_factory):
    """The recorded trace's text, and the trace that was made of it."""
    folder = tmp_path_factory.mktemp("round-trip")
    text = export_trace(recorded, folder / "t.tenet")
    trace, done = import_file(text, folder / "t.reven")
    return text, trace, done


def test_a_recorded_trace_comes_back(recorded, round_trip, tmp_path):
    text, trace, done = round_trip
    count = _engine.Trace(str(recorded)).transition_count
    assert (done.transitions, _engine.Trace(str(trace)).transition_count) == (count, count)
    assert len(text.read_text().splitlines()) == count + 1
    again = export_trace(trace, tmp_path / "again.tenet")
    assert moments(again.read_text()) == moments(text.read_text())


def test_it_holds_what_the_recorded_one_held(recorded, round_trip, open_trace):
    _, trace, _ = round_trip
    one, other = open_trace(recorded).trace, open_trace(trace).trace
    for number in range(0, one.transition_count, 997):
        before, same = one.context_before(number), other.context_before(number)
        for name in (*EVERY_REGISTER, "rip", "eax", "r9w", "dil"):
            register = Register.from_name(name)
            assert before.read(register) == same.read(register)
        assert accesses_of(one, number) == accesses_of(other, number)
        assert one.transition(number).pc == other.transition(number).pc


def accesses_of(trace, number):
    """Of a transition: which bytes it reads, and which it writes."""
    return {
        (access.operation, address)
        for access in trace.transition(number).memory_accesses()
        for address in range(
            access.physical_address.offset, access.physical_address.offset + access.size
        )
    }


def test_every_load_and_key_frame_of_it_is_right(round_trip):
    result = _engine.Trace(str(round_trip[1])).check()
    assert result.loads > 1000
    assert result.key_frames > 3
    assert (result.bad_loads, result.bad_key_frames, result.problems) == (0, 0, [])


def test_what_the_kernel_wrote_is_a_write(round_trip, open_trace):
    text = round_trip[0].read_text()
    alphabet = b"abcdefghijklmnopqrst".hex()
    written = re.search(rf"mw=(0x[0-9a-f]+):{alphabet}", text)
    assert written is not None
    trace = open_trace(round_trip[1]).trace
    line = next(line for line in text.splitlines() if alphabet in line and "mw=" in line)
    number = text.splitlines().index(line)
    assert trace.context_before(number).read(int(written[1], 16), 20) == bytes.fromhex(alphabet)


def test_only_a_part_can_be_exported(recorded, tmp_path):
    text = export_trace(recorded, tmp_path / "part.tenet", 100, 110).read_text()
    assert len(text.splitlines()) == 11
    assert len(moments(text)[0][0]) == len(EVERY_REGISTER) + 1


NUMBERS = st.integers(0, (1 << 64) - 1) | st.integers(0, 255)
ADDRESSES = st.integers(0, 64) | st.integers((1 << 64) - 5000, (1 << 64) - 5000 + 64)
DATA = st.binary(min_size=1, max_size=40)
LINES = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(EVERY_REGISTER), NUMBERS, max_size=3),
        st.sampled_from([0x1000, 0x1003, 0xFFFF_8000_0000_0000]),
        st.lists(st.tuples(st.sampled_from(["mr", "mw"]), ADDRESSES, DATA), max_size=3),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(LINES)
def test_whatever_a_file_says_the_trace_says(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("said")
    text = [f"{FULL},rip=0x1000"]
    for registers, pc, accesses in lines:
        items = [f"{name}={value:#x}" for name, value in registers.items()]
        items += [f"rip={pc:#x}"]
        items += [f"{kind}={address:#x}:{data.hex()}" for kind, address, data in accesses]
        text.append(",".join(items))
    trace = import_text("\n".join(text), folder)
    assert _engine.Trace(str(trace)).check().bad_key_frames == 0
    state = dict.fromkeys(EVERY_REGISTER, 0)
    engine = _engine.Trace(str(trace))
    assert engine.transition_count == len(lines)
    exported = moments(export_trace(trace, folder / "out.tenet").read_text())
    for (registers, pc, accesses), (said, held) in zip(lines, exported[1:], strict=True):
        changed = {f"{n}={v:#x}" for n, v in registers.items() if state[n] != v}
        state |= registers
        assert said == changed | {f"rip={pc:#x}"}
        for access in accesses:
            assert access in held
    # More is only what changed though no line wrote it, found at the line before.
    assert sum(len(held) for _, held in exported) >= sum(len(one[2]) for one in lines)


def test_what_a_file_does_not_hold_is_an_error(tmp_path, open_trace):
    trace = import_text(
        "rax=0x1,rip=0x1000\nrbx=0x2,rip=0x1001\nrip=0x1002,mr=0x5000:0102\n", tmp_path
    )
    server = open_trace(trace)
    first, last = server.trace.first_context, server.trace.last_context
    assert (first.read(x64.rax), last.read(x64.ebx), last.read(0x5000, 2)) == (1, 2, 0x0201)
    for register in (
        x64.rflags,
        x64.zf,
        Register.from_name("xmm0"),
        Register.from_name("fs_base"),
        x64.rcx,
    ):
        with pytest.raises(RegisterReadError, match="does not hold it"):
            last.read(register)
    with pytest.raises(RegisterReadError, match=r"not known before #1"):
        first.read(x64.rbx)
    with pytest.raises(MemoryReadError, match="never recorded"):
        last.read(0x5002, 1)
    with pytest.raises(MemoryReadError, match="nothing is mapped"):
        last.read(0x9000, 1)
    instruction = server.trace.transition(0).instruction
    assert (instruction.raw, instruction.mnemonic) == (b"", "(unknown)")
    assert list(server.ossi.executed_processes()) == []
    with pytest.raises(TraceError, match="calls cannot be found"):
        list(last.stack.frames())


@pytest.mark.parametrize(
    ("accesses", "before"),
    [
        ("mr=0x5000:02,mw=0x5000:02", 1),  # fetched after the instruction
        ("mr=0x5000:01,mw=0x5000:02", 1),  # fetched before it
        ("mrw=0x5000:02", 1),
        ("mr=0x5000:07,mw=0x5000:02", 7),  # somebody else wrote a 7
    ],
)
def test_reads_are_taken_before_or_after_the_write_of_their_line(
    tmp_path, open_trace, accesses, before
):
    trace = import_text(
        f"{FULL},rip=0x1000\nrip=0x1001,mw=0x5000:01\nrip=0x1002,{accesses}\n", tmp_path
    )
    result = _engine.Trace(str(trace)).check()
    assert (result.loads, result.bad_loads) == (1, 0)
    last = open_trace(trace).trace.last_context
    assert ((last - 1).read(0x5000, 1), last.read(0x5000, 1)) == (before, 2)


def test_memory_that_changed_by_itself_is_noticed_where_it_is_read(tmp_path, open_trace):
    trace = import_text(
        f"{FULL},rip=0x1\nrip=0x2,mw=0x5000:0102\nrip=0x3\nrip=0x4,mr=0x5000:0109\n", tmp_path
    )
    assert _engine.Trace(str(trace)).check().bad_loads == 0
    found = open_trace(trace).trace
    assert [found.context_after(n).read(0x5001, 1) for n in range(3)] == [2, 9, 9]
    assert [access.transition.id for access in found.memory_accesses(0x5001, 1)] == [0, 1, 2]


WRONG = {
    "": "line 0: the file ends",
    f"{FULL},rip=0x1\n": "line 1: the file ends",
    "rax=0x1\nrip=0x2\n": "line 1: it does not say rip",
    "rip=0x1\nrip=0x10000000000000000\n": "line 2: .* is no hexadecimal number",
    "rip=0x1\nrip=-0x1\n": "line 2: '-0x1' is no hexadecimal number",
    "rip=0x1\nrip=1_0\n": "line 2: '1_0' is no hexadecimal number",
    "rip=0x1\nrax=0x1,rax=0x2,rip=2\n": "line 2: rax comes twice",
    "rip=0x1\nrip=0x2,mr=0x10:123\n": "line 2: '123' are no bytes",
    "rip=0x1\nrip=0x2,mr=0x10:\n": "line 2: '' are no bytes",
    "rip=0x1\nrip=0x2,mr=0x10\n": "line 2: '' are no bytes",
    "rip=0x1\nrip=0x2,mw=0xffffffffffffffff:0102\n": "beyond the end of memory",
    "rip=0x1,mr=0x1:00\nrip=0x2\n": "line 1: the first line has memory",
    "eip=0x1\neip=0x2\n": "line 1: eip is a register of 32-bit x86",
    "rip=0x1\nxmm0=0x2\n": "line 2: 'xmm0=0x2' is neither",
    "rip=0x1\n\x1b[2Jx=1\n": r"line 2: '\\x1b\[2Jx=1' is neither",
    "rip=0x1\nrip=0x2,mr=0x10:" + "00" * 9000: "accesses more than",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_with_its_line_and_leaves_nothing(tmp_path, text):
    with pytest.raises(CannotImport, match=WRONG[text]):
        import_text(text, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["made.tenet"]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text("rip=0x1,mrw:\n", max_size=60).map(str.encode))
def test_no_text_does_anything_but_import_or_be_refused(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("hostile")
    try:
        trace = import_text(text, folder)
    except CannotImport:
        assert [path.name for path in folder.iterdir()] == ["made.tenet"]
    else:
        assert _engine.Trace(str(trace)).check().bad_loads == 0


def test_large_writes_and_odd_sizes_are_kept(tmp_path, open_trace):
    large, odd = bytes(range(256)) * 400, bytes(range(100))
    trace = import_text(
        f"{FULL},rip=0x1\nrip=0x2,mr=0x7003:{odd.hex()},mw=0x10ff0:{large.hex()}\nrip=0x3\n",
        tmp_path,
    )
    last = open_trace(trace).trace.last_context
    assert last.read(0x10FF0, len(large), raw=True) == large
    assert last.read(0x7003, len(odd), raw=True) == odd
    text = export_trace(trace, tmp_path / "out.tenet").read_text()
    assert f"mr=0x7003:{odd.hex()}" in text
    assert "".join(re.findall(r"mw=0x\w+:(\w+)", text)) == large.hex()


@pytest.mark.parametrize(
    ("start", "known"),
    [
        ("rax=0x1,rip=0x2\n", True),
        ("RAX=1,RIP=2\n", True),
        ("\x7fELF\x02\x01", False),
        ("hello = world", False),
        ("", False),
    ],
)
def test_a_file_is_recognized_by_what_is_in_it(tmp_path, start, known):
    file = tmp_path / "any.thing"
    file.write_text(start)
    if known:
        assert importer_for(file) == "tenet"
    else:
        with pytest.raises(CannotImport, match="in no format that is known"):
            importer_for(file)
