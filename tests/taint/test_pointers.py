# SPDX-License-Identifier: Apache-2.0
"""Taint through addresses, held to what really changes: one byte of the input is changed, the
program runs again, and each byte of the output that is another one must be in the taint."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

import reven2
from reven2._service.taint import FollowMode
from reven2.errors import InvalidArgumentError
from reven2.preview.taint import TaintedMemories, Tainter

REVEN = str(Path(sys.executable).with_name("reven"))
INPUTS, OUTPUTS, STEPS = 8, 24, 40
CHANGES = (0x01, 0x10, 0x80, 0xFF)


def _program(seed: int) -> str:
    """Tables that are constant and tables that are made, and choices without branches. No branch
    depends on the input, nor does where something is stored: a taint knows the place that was
    stored to, not those that would have been."""
    choose = random.Random(seed)

    def one() -> str:
        return f"v[{choose.randrange(INPUTS + 8)}]"

    def step() -> str:
        to = f"v[{choose.randrange(INPUTS + 8)}]"
        return choose.choice(
            [
                f"{to} = constant[{one()}];",
                f"{to} = made[{one()} ^ {choose.randrange(256)}];",
                f"{to} = v[({one()} >> 3) & 15];",
                f"{to} += {one()} * {choose.randrange(1, 9)};",
                f"{to} ^= {one()} & {choose.randrange(256)};",
                f"made[{choose.randrange(256)}] = {one()};",
                f"{to} = pick({one()}, {one()}, {one()});",
                f"wide = _mm_shuffle_epi8(wide, _mm_loadu_si128((void *)v)); {to} ="
                " (unsigned char)_mm_cvtsi128_si32(wide);",
            ]
        )

    table = ", ".join(str(choose.randrange(256)) for _ in range(256))
    last = ["v[2] = constant[v[3]];", "v[4] = made[in[5]];", "v[6] = constant[in[7]];"]
    steps = "\n    ".join([step() for _ in range(STEPS)] + last)
    return f"""
#include <fcntl.h>
#include <immintrin.h>
#include <string.h>
#include <unistd.h>
static const unsigned char constant[256] = {{ {table} }};
static volatile unsigned char made[256];
static unsigned char pick(unsigned char which, unsigned char a, unsigned char b) {{
    unsigned long result = a;
    __asm__("testb $4, %b1\\n\\tcmovnzq %2, %0"
            : "+r"(result) : "q"(which), "r"((unsigned long)b) : "cc");
    return (unsigned char)result;
}}
int main(void) {{
    unsigned char in[{INPUTS}], out[{OUTPUTS}];
    volatile unsigned char v[{INPUTS + 8}];
    __m128i wide = _mm_set1_epi8(5);
    if (read(0, in, {INPUTS}) != {INPUTS}) return 1;
    for (int i = 0; i < 256; i++) made[i] = (unsigned char)(i * 11 + 1);
    for (int i = 0; i < {INPUTS}; i++) v[i] = in[i];
    for (int i = {INPUTS}; i < {INPUTS + 8}; i++) v[i] = (unsigned char)i;
    {steps}
    for (int i = 0; i < {INPUTS + 8}; i++) out[i] = v[i];
    for (int i = {INPUTS + 8}; i < {OUTPUTS}; i++) out[i] = made[i * 9];
    return write(1, out, {OUTPUTS}) != {OUTPUTS};
}}
"""


@pytest.fixture(scope="module", params=[1, 2])
def mutated(request, compile_program, tmp_path_factory):
    """A trace, and by input byte the output bytes that change with it."""
    folder = tmp_path_factory.mktemp("mutated")
    # For any value: -O0 and -O2 keep the same data flow apart.
    level = "-O0" if request.param == 1 else "-O2"
    program = compile_program(_program(request.param), level, "-w", "-mssse3")
    given = bytes(random.Random(request.param).randrange(256) for _ in range(INPUTS))

    def output(data: bytes) -> bytes:
        return subprocess.run([program], input=data, capture_output=True, check=True).stdout

    right = output(given)
    changed: list[set[int]] = []
    for byte in range(INPUTS):
        changed.append(set())
        for change in CHANGES:
            data = bytearray(given)
            data[byte] ^= change
            now = output(bytes(data))
            changed[-1] |= {at for at in range(OUTPUTS) if now[at] != right[at]}
    words = [REVEN, "record", "-q", "-o", "t.reven", "--", str(program)]
    subprocess.run(words, cwd=folder, input=given, capture_output=True, check=True)
    return folder / "t.reven", changed


def _moments(trace):
    """The call that read the input, where it put it; the call that wrote, and from where."""
    (read,) = [one for one in trace.syscalls if one.name == "read" and one.arguments[0].value == 0]
    (write,) = [one for one in trace.syscalls if one.name == "write"]
    return read, read.arguments[1].value, write, write.arguments[1].value


def _reached(trace, follow: FollowMode) -> list[set[int]]:
    read, address, _, _ = _moments(trace)
    tags = [TaintedMemories(address + byte, 1) for byte in range(INPUTS)]
    start = read.transition.context_after()
    found = Tainter(trace).simple_taint(*tags, from_context=start, follow=follow, sinks=True)
    reached: list[set[int]] = [set() for _ in tags]
    for sink in found.sinks():
        assert sink.kind != "branch", sink
        if sink.kind == "standard output" and sink.offset is not None:
            for tag in sink.tags:
                reached[int(tag[3:])] |= set(range(sink.offset, sink.offset + sink.size))
    return reached


def test_what_changes_is_in_the_taint(mutated) -> None:
    path, changed = mutated
    trace = reven2.open(path).trace
    reached = _reached(trace, "pointers")
    for byte in range(INPUTS):
        assert changed[byte] <= reached[byte], byte
    # The claim is none if everything is tainted.
    found = sum(map(len, reached))
    assert found < INPUTS * OUTPUTS
    # Values alone lack what tables give; with those that are constant, less.
    values, meant = _reached(trace, "values"), _reached(trace, "meant")
    for some, more in ((values, meant), (meant, reached)):
        assert all(a <= b for a, b in zip(some, more, strict=True))
        assert sum(map(len, some)) < sum(map(len, more))


def test_backward_finds_what_forward_finds(mutated) -> None:
    path, changed = mutated
    trace = reven2.open(path).trace
    read, address, write, output = _moments(trace)
    forward = _reached(trace, "pointers")
    for at in range(0, OUTPUTS, 3):
        taint = Tainter(trace).simple_taint(
            TaintedMemories(output + at, 1),
            from_context=read.transition.context_after(),
            to_context=write.transition.context_before(),
            is_forward=False,
            follow="pointers",
        )
        state = taint.state_at(read.transition.context_after())
        held = {
            byte
            for memory, _ in state.tainted_memories()
            for byte in range(memory.address.offset, memory.address.offset + memory.size)
        }
        came = {byte for byte in range(INPUTS) if address + byte in held}
        assert {byte for byte in range(INPUTS) if at in changed[byte]} <= came
        assert {byte for byte in range(INPUTS) if at in forward[byte]} <= came


def test_wrong_choices_are_refused(mutated) -> None:
    path, _ = mutated
    trace = reven2.open(path).trace
    with pytest.raises(InvalidArgumentError, match="no way to follow"):
        Tainter(trace).simple_taint("rax", follow="nonsense")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="forward"):
        Tainter(trace).simple_taint("rax", is_forward=False, sinks=True)
    with pytest.raises(InvalidArgumentError, match="sinks=True"):
        Tainter(trace).simple_taint("rax").sinks()


# Where each byte of the input goes is known: see EXPECTED.
SINKS = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char in[16], other[8];
    int pair[2], ends[2];
    if (argc > 1 && !strcmp(argv[1], "again")) return 0;
    read(0, in, 16);
    int made = open("made.out", O_CREAT | O_TRUNC | O_RDWR, 0600);
    write(made, "head", 4);
    struct iovec parts[2] = {{"xy", 2}, {in, 2}};
    writev(made, parts, 2);
    pwrite(made, in + 2, 1, 100);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    send(pair[0], in + 3, 1, 0);
    send(pair[0], in + 3, 1, 0);
    pipe(ends);
    write(ends[1], in + 4, 1);
    write(1, in + 5, 1);
    write(2, in + 6, 1);
    lseek(made, in[7], SEEK_SET);
    if (in[8] == 'Q') write(1, "Q", 1);
    other[in[9] & 7] = 1;
    __asm__ volatile("" ::"r"(other) : "memory");
    char name[] = {'n', in[10], 0};
    open(name, O_RDONLY);
    if (in[15] == 'E') _exit(in[11] & 7);
    char word[] = {'w', 'o', in[12], 0}, variable[] = {'A', '=', in[13], 0};
    char *words[] = {argv[0], "again", word, 0}, *environment[] = {variable, 0};
    execve(argv[0], words, environment);
    return 1;
}
"""

EXPECTED: dict[int, set[tuple[str, str, int | None]]] = {
    0: {("file", "made.out", 6)},
    1: {("file", "made.out", 7)},
    2: {("file", "made.out", 100)},
    3: {("socket", "one end of the socket pair", 0), ("socket", "one end of the socket pair", 1)},
    4: {("pipe", "writing end of the pipe", 0)},
    5: {("standard output", "standard output", 0)},
    6: {("standard error", "standard error", 0)},
    7: {("argument", "offset of lseek", None)},
    8: {("branch", "the condition of a branch", None)},
    9: {("address", "the address of a store", None)},
    10: {("system call", "filename of openat", 1)},
    11: set(),
    12: {("program", "argv[2] of execve", 2)},
    13: {("program", "environment[0] of execve", 2)},
    14: set(),
    15: {("branch", "the condition of a branch", None)},
}


@pytest.mark.parametrize("ends", ["exec", "exit"])
def test_sinks_have_names(ends: str, compile_program, tmp_path) -> None:
    program = compile_program(SINKS, "-O1", "-w")
    given = b"abcdefghijklmnop" if ends == "exec" else b"abcdefghijklmnoE"
    words = [REVEN, "record", "-q", "-o", "t.reven", "--", str(program)]
    subprocess.run(words, cwd=tmp_path, input=given, capture_output=True, check=False)
    # The program that is executed has a trace of its own.
    path = tmp_path / "t.reven"
    trace = reven2.open(path).trace
    read = next(one for one in trace.syscalls if one.name == "read" and not one.arguments[0].value)
    address = read.arguments[1].value
    expected = {byte: set(sinks) for byte, sinks in EXPECTED.items()}
    if ends == "exit":
        expected[11] = {("exit status", "the exit status", None)}
        expected[12] = expected[13] = set()
    found: dict[int, set[tuple[str, str, int | None]]] = {}
    for first in (0, 8):
        tags = [TaintedMemories(address + first + byte, 1) for byte in range(8)]
        start = read.transition.context_after()
        taint = Tainter(trace).simple_taint(*tags, from_context=start, sinks=True)
        for byte in range(8):
            found[first + byte] = set()
        for sink in taint.sinks():
            name = sink.name.rsplit("/", 1)[-1].split(" of #")[0]
            for tag in sink.tags:
                for at in range(sink.size if sink.offset is not None else 1):
                    offset = None if sink.offset is None else sink.offset + at
                    found[first + int(tag[3:])].add((sink.kind, name, offset))
    assert found == expected
