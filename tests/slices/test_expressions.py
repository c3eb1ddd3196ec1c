# SPDX-License-Identifier: Apache-2.0
"""Expressions of slices, held to the programs themselves: on other inputs that lead through the
same branches, an expression gives what the program gives when it runs."""

from __future__ import annotations

import ctypes
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import z3

import reven2
from reven2.errors import InvalidArgumentError
from reven2.preview.expressions import Expression, expression

REVEN = str(Path(sys.executable).with_name("reven"))
INPUTS, OUTPUTS = 16, 24

_STEPS = r"""
    out[0] = ((x * 7) ^ 0x55) + 3;
    out[1] = table[in[4]] + in[5];
    out[2] = less((long)s, (long)(short)x) + in[6];
    out[3] = x / 10 + x % 7;
    out[4] = (long)s / 3 + (int)s % 11;
    out[5] = x / (in[8] | 1u) + x % (in[9] | 1u);
    out[6] = (x << (in[10] & 31)) ^ (x >> (in[11] & 31));
    out[7] = (unsigned long)(s >> (in[12] & 15));
    out[8] = less(in[0], in[1]) + less(in[2], s) * 2ul + less(s, -5) * 4ul;
    { unsigned char low = in[6]; low += in[7]; unsigned short mid = x; mid *= 3; mid -= low;
      out[9] = mid | (unsigned long)low << 32; }
    out[10] = wide[in[13] & 7] ^ (unsigned long)wide[in[14] & 3] << 7;
    out[11] = __builtin_bswap32(x) + __builtin_popcount(x);
    out[12] = (unsigned long)x * x + ((unsigned long)x << 33 | x);
    out[13] = (x << 5 | x >> 27);
    out[14] = -(unsigned long)x + ~(unsigned long)s;
    out[15] = half(in[15], in[14]);
"""


def _program(seed: int) -> str:
    choose = random.Random(seed)
    table = ", ".join(str(choose.randrange(256)) for _ in range(256))
    wide = ", ".join(str(choose.randrange(1 << 32)) for _ in range(8))
    names = [f"out[{one}]" for one in range(16)]
    lines = []
    for at in range(16, OUTPUTS):
        a, b = choose.choice(names), choose.choice(names)
        sign = choose.choice("+-*^")
        number = choose.randrange(1, 1 << 16)
        lines.append(
            f"out[{at}] = ({a} {sign} {b}) + ({a} >> {choose.randrange(1, 60)}) * {number};"
        )
    return f"""
#include <unistd.h>
static const unsigned char table[256] = {{ {table} }};
static const unsigned wide[8] = {{ {wide} }};
static unsigned char in[{INPUTS}];
static unsigned long out[{OUTPUTS}];
static unsigned char less(long a, long b) {{
    unsigned char result;
    __asm__("cmpq %2, %1\\n\\tsetl %0" : "=q"(result) : "r"(a), "r"(b) : "cc");
    return result;
}}
static unsigned half(unsigned char a, unsigned char b) {{
    unsigned result = 0x11223344;
    __asm__("movb %b1, %h0\\n\\taddb %b2, %b0\\n\\tadcb $0, %h0"
            : "+Q"(result) : "Q"(a), "Q"(b) : "cc");
    return result;
}}
int main(void) {{
    if (read(0, in, {INPUTS}) != {INPUTS}) return 1;
    unsigned x = in[0] | in[1] << 8 | in[2] << 16 | (unsigned)in[3] << 24;
    int s = (short)(in[4] | in[5] << 8);
    {_STEPS}
    {" ".join(lines)}
    return write(1, out, sizeof out) != sizeof out;
}}
"""


def _run(program: Path, data: bytes) -> list[int]:
    done = subprocess.run([program], input=data, capture_output=True, check=True)
    return [int.from_bytes(done.stdout[at : at + 8], "little") for at in range(0, 8 * OUTPUTS, 8)]


@pytest.fixture(scope="module", params=["-O0", "-O2"])
def computed(request, compile_program, tmp_path_factory):
    """A program, its trace, and the expression of each of its outputs."""
    folder = tmp_path_factory.mktemp("computed")
    program = compile_program(_program(len(request.param)), request.param, "-w")
    given = bytes(random.Random(1).randrange(256) for _ in range(INPUTS))
    words = [REVEN, "record", "-q", "-o", "t.reven", "--", str(program)]
    subprocess.run(words, cwd=folder, input=given, capture_output=True, check=True)
    with reven2.open(folder / "t.reven") as server:
        context, address = _written(server.trace)
        found = [expression(context, f"[{address + 8 * at}; 8]") for at in range(OUTPUTS)]
        yield program, folder / "t.reven", found, given


def _written(trace):
    (write,) = [one for one in trace.syscalls if one.name == "write"]
    return write.transition.context_before(), write.arguments[1].value


def _inputs(found: Expression, data: bytes) -> dict[str, int]:
    by_name = {f"standard_input_{at}": byte for at, byte in enumerate(data)}
    return {one.name: by_name[one.name] for one in found.variables}


def _others() -> list[bytes]:
    choose = random.Random(2)
    edges = [bytes(INPUTS), b"\xff" * INPUTS, b"\x80" * INPUTS, bytes(range(INPUTS))]
    return edges + [bytes(choose.randrange(256) for _ in range(INPUTS)) for _ in range(20)]


def test_on_other_inputs_it_gives_what_the_program_gives(computed):
    program, _, found, _ = computed
    for data in _others():
        right = _run(program, data)
        for at, one in enumerate(found):
            assert not any(variable.is_opaque for variable in one.variables), (at, str(one))
            assert one.evaluate(_inputs(one, data)) == right[at], (at, data, one)


def test_python_c_and_smt_say_the_same(computed, tmp_path):
    program, _, found, given = computed
    source = []
    for at, one in enumerate(found):
        text = one.text("c").replace(" value(", f" value{at}(").replace("table", f"table{at}_")
        text = text.replace("look_up", f"look_up{at}")
        source.append(text)
    (tmp_path / "all.c").write_text("\n".join(source))
    library = tmp_path / "all.so"
    words = [
        "gcc",
        "-shared",
        "-fPIC",
        "-fsanitize=undefined",
        "-fsanitize-undefined-trap-on-error",
    ]
    subprocess.run([*words, "-o", library, tmp_path / "all.c"], check=True)
    compiled = ctypes.CDLL(str(library))
    functions: list[Callable[..., int]] = []
    for one in found:
        names: dict[str, Any] = {}
        exec(one.text("python"), names)
        functions.append(names["value"])
    for data in _others()[:8]:
        right = _run(program, data)
        for at, one in enumerate(found):
            values = _inputs(one, data)
            assert functions[at](**values) == right[at], one
            native = getattr(compiled, f"value{at}")
            native.restype = ctypes.c_uint64
            native.argtypes = [ctypes.c_uint8] * len(values)
            assert native(*values.values()) == right[at], one.text("c")
    for one in found[:16]:
        given_text = "".join(
            f"(assert (= {name} (_ bv{value} 8)))" for name, value in _inputs(one, given).items()
        )
        text = one.text("smt2") + given_text
        for claim, answer in (("{}", z3.sat), ("(not {})", z3.unsat)):
            solver = z3.Solver()
            said = claim.format(f"(= value (_ bv{one.value} 64))")
            solver.from_string(f"{text}(assert {said})")
            assert solver.check() == answer


MACHINE = r"""
#include <unistd.h>
static unsigned char program[] = {1, 0, 2, 7, 3, 0x55, 4, 3, 5};
int main(void) {
    unsigned x, r[4] = {0};
    if (read(0, &x, 4) != 4) return 1;
    volatile unsigned char *volatile pc = program;
    for (;;) {
        switch (*pc++) {
            case 1: r[*pc++] = x; break;
            case 2: r[0] *= *pc++; break;
            case 3: r[0] ^= *pc++; break;
            case 4: r[0] += *pc++; break;
            case 5: return write(1, r, 4) != 4;
        }
    }
}
"""


@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_of_a_virtual_machine_only_its_program_is_left(level, compile_program, tmp_path):
    program = compile_program(MACHINE, level)
    words = [REVEN, "record", "-q", "-o", "t.reven", "--", str(program)]
    subprocess.run(words, cwd=tmp_path, input=b"ABCD", capture_output=True, check=True)
    with reven2.open(tmp_path / "t.reven") as server:
        context, address = _written(server.trace)
        found = expression(context, f"[{address}; 4]")
        # A word of four bytes, three operations and their numbers.
        assert found.size == 4 + 1 + 3 * 2
        operations = [one[0] for one in found._data.nodes if one[0] not in ("var", "const")]
        assert operations == ["concat", "mul", "xor", "add"]
        x = int.from_bytes(b"wxyz", "little")
        given = {f"standard_input_{at}": byte for at, byte in enumerate(b"wxyz")}
        assert found.evaluate(given) == (((x * 7) ^ 0x55) + 3) & 0xFFFFFFFF


PARSE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **words) {
    char text[8] = {0};
    FILE *file = fopen(words[2], "r");
    if (count != 3 || !file || fread(text, 1, 4, file) != 4) return 1;
    unsigned result = atoi(words[1]) * 3 + (unsigned)strtoul(text, 0, 16);
    return write(1, &result, 4) != 4;
}
"""


def test_inputs_are_named_after_their_sources(record_program, tmp_path, serve_traces):
    (tmp_path / "in.txt").write_text("1b2c")
    path = record_program(PARSE, arguments=["417", str(tmp_path / "in.txt")])
    with reven2.open(path) as server:
        context, address = _written(server.trace)
        found = expression(context, f"[{address}; 4]")
        labels = {one.label for one in found.variables}
        assert labels == {
            *(f"argv[1][{at}]" for at in range(3)),
            *(f"in.txt[{at}]" for at in range(4)),
        }
        assert found.value == 417 * 3 + 0x1B2C
        digits = {f"argv1_{at}": ord(digit) for at, digit in enumerate("905")}
        assert found.evaluate(digits) == 905 * 3 + 0x1B2C
        digits |= {f"in_txt_{at}": ord(digit) for at, digit in enumerate("9f3a")}
        assert found.evaluate(digits) == 905 * 3 + 0x9F3A
        with pytest.raises(InvalidArgumentError, match="no input 'nothing'"):
            found.evaluate({"nothing": 1})
        with pytest.raises(InvalidArgumentError, match="more than 3"):
            expression(context, f"[{address}; 4]", max_transitions=3)
        where, text = context.transition_after().id, str(found)
    with reven2.RevenServer("localhost", serve_traces(path)) as server:
        context = server.trace.context_before(where)
        assert str(expression(context, f"[{address}; 4]")) == text
    words = [REVEN, "expression", str(path), str(where), f"[{address}; 4]"]
    shown = subprocess.run([*words, "--json", "--language", "c"], capture_output=True, check=True)
    said = json.loads(shown.stdout)
    assert said["value"] == found.value
    assert "value(" in said["text"]
    assert {one["label"] for one in said["variables"]} == labels
    text = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    assert "def value(" in text
    assert "in.txt, byte 3" in text


OPAQUE = r"""
#include <immintrin.h>
#include <unistd.h>
int main(void) {
    unsigned char in[16];
    if (read(0, in, 16) != 16) return 1;
    __m128i wide = _mm_loadu_si128((void *)in);
    wide = _mm_shuffle_epi8(wide, _mm_set1_epi8(5));
    unsigned result = (unsigned)_mm_cvtsi128_si32(wide) + in[0];
    return write(1, &result, 4) != 4;
}
"""


def test_what_it_cannot_say_is_said(compile_program, tmp_path):
    program = compile_program(OPAQUE, "-O2", "-mssse3")
    words = [REVEN, "record", "-q", "-o", "t.reven", "--", str(program)]
    subprocess.run(words, cwd=tmp_path, input=b"ABCDEFGHIJKLMNOP", capture_output=True, check=True)
    with reven2.open(tmp_path / "t.reven") as server:
        context, address = _written(server.trace)
        found = expression(context, f"[{address}; 4]")
        assert found.value == 0x46464646 + 0x41
        assert [one.label.partition(" at ")[0] for one in found.variables if one.is_opaque] == [
            "pshufb"
        ]
        assert any("pshufb" in note for note in found.notes)
