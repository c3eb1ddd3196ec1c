# SPDX-License-Identifier: Apache-2.0
"""How often source lines ran, compared with programs that count by themselves."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reven2._service.overview import SourceLineData

SHARED = """\
#include <stdio.h>
struct account { long balance; long ops; } account_ = {1000, 0};
volatile long noise;
static void deposit(long n)
{
    long b = account_.balance;
    if (account_.ops % 7 == 3)
        noise++;
    account_.balance = b + n;
    account_.ops++;
}
static long work(long n)
{
    for (int i = 0; i < 200; i++)
        deposit(n);
    return n;
}
int main(int c, char **v)
{
    work(c);
    work(c + 1);
    printf("%ld\\n", account_.balance);
    return 0;
}
"""
DEPOSIT = {6: 400, 7: 400, 8: 57, 9: 400, 10: 400}


def lines_of(
    folder: Path, source: str, record_command: Any, open_trace: Any, compiler: str, *flags: str
) -> dict[int, SourceLineData]:
    file, program = folder / "counted.c", folder / "counted"
    file.write_text(source)
    subprocess.run([compiler, "-g", *flags, "-o", program, file], check=True)
    service = open_trace(record_command([program])).trace._service
    return {one.line: one for one in service.source_lines(str(file))}


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3"])
def test_copies_of_a_line_count_together(
    level: str, tmp_path: Path, record_command: Any, open_trace: Any
) -> None:
    lines = lines_of(tmp_path, SHARED, record_command, open_trace, "gcc", level)
    assert {line: lines[line].count for line in DEPOSIT} == DEPOSIT
    assert {lines[line].is_exact for line in DEPOSIT} == {level == "-O0"}


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O2", "-O3"])
def test_what_is_certain_is_right(
    level: str, tmp_path: Path, record_command: Any, open_trace: Any
) -> None:
    lines = lines_of(tmp_path, SHARED, record_command, open_trace, "clang", level)
    for line, count in DEPOSIT.items():
        # One that the optimizer left no code of has no count.
        if level == "-O0" or line in lines:
            assert lines[line].is_exact is (level == "-O0")
            assert not lines[line].is_exact or lines[line].count == count
    if level != "-O0":
        return
    assert {line: lines[line].count for line in DEPOSIT} == DEPOSIT


def random_program(seed: int) -> str:
    """A statement on each line; nothing of it is known when it is compiled."""
    choose = random.Random(seed)
    lines = ["#include <stdlib.h>", "volatile int sink;"]
    functions = 4
    for number in range(functions):
        lines.append(f"static int f{number}(int a) {{")
        lines.append("int s = a;")
        for depth in range(choose.randint(2, 5)):
            variable = f"i{depth}"
            match choose.randint(0, 3):
                case 0:
                    lines += [f"for (int {variable} = 0; {variable} < a % 7 + 2; {variable}++)",
                              f"sink = s += {variable};"]  # fmt: skip
                case 1:
                    lines += [f"if (s % {choose.randint(2, 5)} == 1)", f"sink = s ^= {depth + 3};",
                              "else", "sink = s += 1;"]  # fmt: skip
                case 2:
                    lines += ["while (s % 8 != 5) {", "sink = s;", "s++;", "}"]
                case _ if number:
                    lines += [f"s += f{number - 1}(s & 15);"]
                case _:
                    lines += ["sink = s * 3;"]
        lines += ["return s;", "}"]
    lines += ["int main(int argc, char **argv) {", "(void)argv;",
              f"for (int i = 0; i < {choose.randint(5, 30)}; i++)",
              f"sink = f{functions - 1}(i + argc);", "return 0;", "}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def counted_by_itself(folder: Path, source: str) -> dict[int, int]:
    """What gcov says of the lines of a program."""
    folder.mkdir()
    (folder / "counted.c").write_text(source)
    for command in (
        ["gcc", "--coverage", "-O0", "-o", "counted", "counted.c"],
        ["./counted"],
        ["gcov", "-t", "counted.c"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    found = {}
    for row in done.stdout.splitlines():
        times, line, _ = row.split(":", 2)
        if times.strip().rstrip("*").isdigit():
            found[int(line)] = int(times.strip().rstrip("*"))
    return found


def is_counted(text: str) -> bool:
    """Not braces and heads of functions, which compilers give to lines as they like."""
    return not text.startswith(("}", "static", "int main", "int s", "(void)", "else"))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("build", ["gcc -O0", "clang -O0", "gcc -O1", "gcc -O2"])
def test_lines_of_random_programs_run_as_often_as_they_say(
    build: str, seed: int, tmp_path: Path, record_command: Any, open_trace: Any
) -> None:
    source = random_program(seed)
    expected = counted_by_itself(tmp_path / "itself", source)
    lines = lines_of(tmp_path, source, record_command, open_trace, *build.split())
    texts = source.splitlines()
    compared = 0
    wrong = []
    for line, count in expected.items():
        if line in lines and count and is_counted(texts[line - 1]):
            compared += 1
            if lines[line].count != count:
                wrong.append((texts[line - 1], lines[line], count))
    assert compared > 10
    # Of optimized code a few cannot be told, and none of these is said to be certain.
    assert not [one for one in wrong if one[1].is_exact], wrong
    assert len(wrong) <= (0 if "-O0" in build else compared // 5), wrong
