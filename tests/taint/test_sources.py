# SPDX-License-Identifier: Apache-2.0
"""Values are followed to sources with names, through tables, files and sockets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import reven2
from reven2.errors import InvalidArgumentError
from reven2.preview.taint import TaintedMemories, origin_tree

REVEN = str(Path(sys.executable).with_name("reven"))

# Each byte of the output has a source that is known: see EXPECTED.
SOURCES = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
static const char digits[] = "0123456789abcdef";
static char filled[256];
__attribute__((noinline)) static char looked_up(unsigned char byte) { return digits[byte >> 4]; }
int main(int argc, char **argv) {
    char out[16], data[64];
    int pair[2];
    int file = open(argv[1], O_RDONLY);
    read(file, data, 4);
    lseek(file, 20, SEEK_SET);
    read(file, data + 4, 4);
    pread(file, data + 8, 4, 40);
    char *mapped = mmap(0, 100, PROT_READ, MAP_PRIVATE, file, 0);
    for (int i = 0; i < 256; i++) filled[i] = (char)(i * 7);
    out[0] = data[1];
    out[1] = data[6];
    out[2] = data[9];
    out[3] = mapped[60];
    out[4] = argv[2][3];
    out[5] = getenv("SOURCES_TEST")[2];
    out[6] = looked_up((unsigned char)data[3]);
    out[7] = filled[(unsigned char)data[5]];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    getrandom(data + 20, 8, 0);
    out[8] = data[22];
    read(0, data + 30, 3);
    read(0, data + 33, 3);
    out[9] = data[34];
    out[10] = 'k';
    int made = open("made.out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    write(made, "head", 4);
    write(made, out, 11);
    return 0;
}
"""

EXPECTED = {
    0: ("file", "in.bin", 1),
    1: ("file", "in.bin", 22),
    2: ("file", "in.bin", 41),
    3: ("file", "in.bin", 60),
    4: ("argument", "argv[2]", 3),
    5: ("environment", "environment SOURCES_TEST", 2),
    6: ("file", "in.bin", 3),
    7: ("file", "in.bin", 21),
    8: ("random", "random bytes (getrandom)", None),
    9: ("standard input", "standard input", 4),
    10: ("constant", "constant 0x6b", None),
}
THROUGH_TABLES = {6, 7}


@pytest.fixture(scope="module", params=["-O0", "-O2"])
def trace(request, compile_program, tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("sources")
    (folder / "in.bin").write_bytes(bytes(range(100)))
    program = compile_program(SOURCES, request.param, "-w")
    words = [REVEN, "record", "-q", "-o", "t.reven", "--", str(program), "in.bin", "argument"]
    subprocess.run(
        words,
        cwd=folder,
        env={"SOURCES_TEST": "value", "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        input=b"abcdef",
        check=True,
    )
    return folder / "t.reven"


def test_each_byte_of_the_output_leads_to_its_source(trace) -> None:
    server = reven2.open(trace)
    found = {}
    for number in EXPECTED:
        byte = server.trace.syscalls.output_byte("made.out", 4 + number)
        what = TaintedMemories(byte.address, 1)
        sources = origin_tree(byte.transition.context_before(), what).sources
        found[number] = [(one.kind, one.name, one.offset) for one in sources]
    folder = str(trace.parent)
    assert found == {
        number: [(kind, name.replace("in.bin", f"{folder}/in.bin"), offset)]
        for number, (kind, name, offset) in EXPECTED.items()
    }


def test_values_only_end_at_a_table(trace) -> None:
    server = reven2.open(trace)
    byte = server.trace.syscalls.output_byte("made.out", 4 + 6)
    context, what = byte.transition.context_before(), TaintedMemories(byte.address, 1)
    (source,) = origin_tree(context, what, "values").sources
    assert source.kind == "static data"
    always = origin_tree(context, what, "pointers").sources
    assert 3 in [one.offset for one in always if one.name.endswith("/in.bin")]
    with pytest.raises(InvalidArgumentError, match="no way to follow"):
        origin_tree(context, what, "nonsense")  # type: ignore[arg-type]


def test_the_command_answers_in_one_question(trace) -> None:
    words = [REVEN, "origin", str(trace), "--output", "made.out:10"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == f"It comes from {trace.parent}/in.bin, byte 3."
    assert "looked_up+" in shown or "main+" in shown
    steps = json.loads(subprocess.run([*words, "--json"], capture_output=True, check=True).stdout)
    sources = [step["source"] for step in steps if step["source"]]
    assert {"kind": "file", "name": f"{trace.parent}/in.bin", "offset": 3, "size": 1} in sources
    wrong = subprocess.run(
        [REVEN, "origin", str(trace), "--output", "x"], capture_output=True, check=False
    )
    assert wrong.returncode == 2
    assert b"out.txt:14" in wrong.stderr


def test_a_server_says_the_same(trace, serve_traces) -> None:
    def told(server) -> str:
        byte = server.trace.syscalls.output_byte("made.out", 4)
        what = TaintedMemories(byte.address, 1)
        return str(origin_tree(byte.transition.context_before(), what))

    assert told(reven2.RevenServer("localhost", serve_traces(trace))) == told(reven2.open(trace))
