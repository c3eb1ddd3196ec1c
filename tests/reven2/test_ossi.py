# SPDX-License-Identifier: Apache-2.0
"""Binaries, symbols, locations, processes and the operating system of a trace."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

import reven2
from reven2.errors import InvalidArgumentError
from reven2.ossi import Architecture, KernelVersion, Os, OsError, OsFamily, WindowsVersion
from reven2.ossi.process import Process

from .programs import VALUES


def test_executed_binaries(values: reven2.OpenTrace) -> None:
    binaries = list(values.ossi.executed_binaries())
    assert {binary.name for binary in binaries} >= {"program", "libc"}
    [program] = values.ossi.executed_binaries("/program$")
    assert str(program) == program.path
    assert program.filename == "program"
    assert [b.filename for b in values.ossi.executed_binaries(r"libc\.so")] == ["libc.so.6"]
    with pytest.raises(InvalidArgumentError, match="no regular expression"):
        values.ossi.executed_binaries("(")


def test_symbols(values: reven2.OpenTrace) -> None:
    [main] = values.ossi.symbols("^main$")
    assert str(main) == "program!main"
    assert main.binary.filename == "program"
    assert main.demangled_name is None
    assert list(values.ossi.symbols("^MAIN$", case_sensitive=False)) == [main]
    assert list(values.ossi.symbols("^MAIN$")) == []
    assert {s.binary.name for s in values.ossi.symbols("^malloc$", binary_hint="libc")} == {"libc"}
    [variable] = main.binary.data_symbols("^values$")
    assert variable.size == 112
    assert main in set(main.binary.symbols())
    with pytest.raises(InvalidArgumentError):
        values.ossi.symbols("[")


def test_more_symbols_than_a_page(values: reven2.OpenTrace) -> None:
    [libc] = values.ossi.executed_binaries("libc")
    symbols = list(libc.symbols())
    assert len(symbols) > 1000
    assert [symbol.rva for symbol in symbols] == sorted(symbol.rva for symbol in symbols)


def test_cpp_names_are_demangled(record_program: object, open_trace: object) -> None:
    source = "int __attribute__((noinline)) twice(int n) { return n * 2; }\n" \
        "int main(int n, char **) { return twice(n) - 2; }\n"  # fmt: skip
    server = open_trace(record_program(source, language="cpp"))  # type: ignore[operator]
    [symbol] = server.ossi.symbols(r"^twice\(int\)$")
    assert str(symbol) == "program!twice(int)"
    assert symbol.source_name == "_Z5twicei"
    assert symbol.demangled_name == "twice(int)"


def test_locations(values: reven2.OpenTrace) -> None:
    [main] = values.ossi.symbols("^main$")
    [entry] = values.trace.search.symbol(main)
    location = entry.ossi.location()
    assert location is not None
    assert str(location) == "program!main"
    assert location.symbol == main
    assert location.binary == main.binary
    assert location.rva == main.rva
    assert location.base_address + main.rva == entry.read(reven2.arch.x64.rip)
    further = (entry + 1).ossi.location()
    assert further is not None
    assert str(further).startswith("program!main+0x")
    stack = entry.ossi.location(entry.read(reven2.arch.x64.rsp))
    assert stack is not None
    assert stack.binary is None
    assert stack.symbol is None
    assert stack.rva is None
    assert str(stack).startswith("[stack]+0x")
    assert entry.ossi.location(0x10) is None


def test_source_lines_are_those_of_addr2line(
    values: reven2.OpenTrace, compile_program: object
) -> None:
    program: Path = compile_program(VALUES)  # type: ignore[operator]
    [binary] = values.ossi.executed_binaries("/program$")
    checked = 0
    for context in values.trace.search.binary(binary):
        location = context.ossi.location()
        assert location is not None
        if location.line is None:
            continue
        output = subprocess.run(
            ["addr2line", "-e", program, hex(location.rva or 0)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[0]
        assert f"{location.file}:{location.line}" == output
        checked += 1
    assert checked > 10


def test_the_process(values: reven2.OpenTrace) -> None:
    [process] = values.ossi.executed_processes()
    assert process.name == "program"
    assert process.pid > 1
    assert str(process) == f"program ({process.pid})"
    assert values.trace.first_context.ossi.process() == process
    assert list(values.ossi.executed_processes("^nothing$")) == []
    assert str(Process("kworker/0:1", 1432)) == "kworker/0:1 (1432)"


def test_the_operating_system(values: reven2.OpenTrace) -> None:
    recorded = values.ossi.os()
    assert recorded.family is OsFamily.Linux
    assert recorded.architecture is Architecture.X64
    assert recorded.kernel_version == KernelVersion.parse(platform.release())
    recorded.expect(Os(family=OsFamily.Windows), Os(family=OsFamily.Linux))
    with pytest.raises(OsError, match="expected one of: 'Windows 7', 'Windows 8'"):
        recorded.expect(
            Os(windows_version=WindowsVersion.Windows7), Os(windows_version=WindowsVersion.Windows8)
        )


def test_operating_systems_compare_by_what_is_known() -> None:
    windows = Os(Architecture.X64, OsFamily.Windows, KernelVersion(10), WindowsVersion.Windows10)
    assert windows.matches(Os(Architecture.X64))
    assert not windows.matches(Os(Architecture.X86))
    assert windows == Os(
        Architecture.X64, OsFamily.Windows, KernelVersion(10), WindowsVersion.Windows10
    )
    assert windows != "Windows"
    assert str(Os(Architecture.X64, OsFamily.Linux, KernelVersion(6, 1, 0))) == "Linux x64 6.1.0"
    assert KernelVersion.parse("6.1.0-18-amd64") == KernelVersion(6, 1, 0)
    assert KernelVersion.parse("unknown") is None


def test_kernel_versions_are_ordered_and_print_what_is_known() -> None:
    assert [str(KernelVersion(10)), str(KernelVersion(10, 0, 18362))] == ["10.0", "10.0.18362"]
    assert str(KernelVersion.parse("6.1")) == "6.1"
    assert KernelVersion(10) == KernelVersion(10, 0, 0) < KernelVersion(10, 0, 1)
    assert hash(KernelVersion(10)) == hash(KernelVersion(10, 0, 0))
    assert KernelVersion(6, 1) >= KernelVersion(5, 19, 7)
    assert KernelVersion(6) != "6"
