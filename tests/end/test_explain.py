# SPDX-License-Identifier: Apache-2.0
"""The end of a trace is explained: what faulted, where, why, and by which registers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenTrace, RecordProgram

START = """
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
struct node { long value; struct node *next; long values[8]; };
int main(int count, char **arguments) {
    struct node *node = calloc(1, sizeof *node);
    volatile int zero = count - 1;
"""

FLAGS = ("-O0", "-Wno-error")


@pytest.fixture
def end_of(record_program: RecordProgram, open_trace: OpenTrace) -> Any:
    def end_(body: str, *flags: str) -> Any:
        return open_trace(record_program(f"{START}{body} return 0; }}", *FLAGS, *flags)).trace.end

    return end_


def test_a_read_through_a_null_pointer(end_of: Any) -> None:
    end = end_of("count += 3; return node->next->values[count];")
    assert (end.reason, end.signal, end.access) == ("signal", "SIGSEGV", "read")
    assert end.address.offset == 16 + 8 * 4
    assert end.cause == "nothing is mapped at that address"
    assert 0 in end.registers.values()
    assert end.instruction.startswith("mov ")
    assert re.search(r"could not read 0x30 \(.* = 0x0", str(end))
    assert end.transition.exception is not None


def test_a_write_to_the_programs_text(end_of: Any) -> None:
    end = end_of("*(volatile char *)main = 1;")
    assert end.access == "write"
    assert end.cause == "the mapping at that address does not allow it"
    assert list(end.registers.values()) == [end.address.offset]


def test_a_jump_to_nowhere(end_of: Any) -> None:
    end = end_of("((void (*)(void))0x1234)();")
    assert (end.access, end.address.offset) == ("execute", 0x1234)


def test_an_address_that_is_not_canonical(end_of: Any) -> None:
    end = end_of("return *(volatile int *)0x8000000000000010;")
    assert "not canonical" in end.cause
    assert end.address.offset == 0x8000000000000010


def test_a_division_by_zero(end_of: Any) -> None:
    end = end_of("return count / zero;")
    assert end.signal == "SIGFPE"
    assert end.instruction.startswith("idiv")
    assert "division by zero" in end.cause


def test_a_failed_assertion_has_its_message(end_of: Any) -> None:
    end = end_of("assert(count == 2);")
    assert end.signal == "SIGABRT"
    assert end.cause == "raised by the process itself"
    assert end.message.endswith("Assertion `count == 2' failed.")


def test_an_exception_that_nobody_catches_has_its_message(
    record_program: RecordProgram, open_trace: OpenTrace
) -> None:
    source = """
    #include <stdexcept>
    int main() { throw std::runtime_error("no such thing"); }
    """
    end = open_trace(record_program(source, language="cpp")).trace.end
    assert "what():  no such thing" in end.message


def test_an_exit(end_of: Any) -> None:
    end = end_of("return 42;")
    assert (end.reason, end.status, str(end)) == ("exit", 42, "exited with status 42")
    assert (end.signal, end.address, end.transition) == ("", None, None)


def test_an_instruction_of_the_programs_own_making(end_of: Any) -> None:
    end = end_of("__builtin_trap();")
    assert end.signal == "SIGILL"
    assert end.instruction == "ud2"
    assert end.fault_of_recorder == ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("vpaddd %zmm0, %zmm1, %zmm2", "AVX-512"),
        ("vaddpd %zmm0, %zmm1, %zmm2 {%k1}", "glibc.cpu.hwcaps=-AVX512F"),
        ("xsavec (%rsp)", "XSAVEC"),
        ("int $0x80", "32-bit system calls"),
    ],
)
def test_what_the_recorder_cannot_execute_is_its_fault(code: str, words: str, end_of: Any) -> None:
    end = end_of(f'__asm__ volatile("{code}");')
    assert words in end.fault_of_recorder
    assert "the recorder's doing" in str(end)
    assert code.split(maxsplit=1)[0] in end.fault_of_recorder


@pytest.mark.parametrize("command", ["info", "show"])
def test_the_commands_tell_it(command: str, record_program: RecordProgram) -> None:
    trace = record_program(f"{START} return node->next->value; }}", *FLAGS)
    said = subprocess.run(
        [Path(sys.executable).with_name("reven"), command, trace],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "could not read 0x0" in said.stdout.replace("\n", " ")


def test_a_trace_that_was_cut_off_has_no_end(
    record_program: RecordProgram, open_trace: OpenTrace, tmp_path: Path
) -> None:
    copy = tmp_path / "t.reven"
    shutil.copytree(record_program("int main(void) { return 0; }"), copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["end_reason"] = None
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert open_trace(copy).trace.end is None
