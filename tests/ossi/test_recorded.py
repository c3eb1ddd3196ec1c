# SPDX-License-Identifier: Apache-2.0
"""Binaries, symbols and lines of a recorded program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reven._engine import Trace
from reven.ossi import AddressSpace, StoredBinaries, process_of
from reven.trace.manifest import read_manifest

from .programs import C_SOURCE


@pytest.fixture(params=["-pie", "-no-pie", "-static"])
def recorded(request: pytest.FixtureRequest, record_program: Any) -> tuple[Path, Trace]:
    path = record_program(C_SOURCE, request.param)
    return path, Trace(str(path))


def address_space(path: Path, trace: Trace) -> AddressSpace:
    return AddressSpace(trace.mappings(), StoredBinaries(path, read_manifest(path).binaries))


def test_every_instruction_belongs_to_a_binary(recorded: tuple[Path, Trace]) -> None:
    path, trace = recorded
    space = address_space(path, trace)
    seen = set()
    for context, pc in enumerate(trace.transitions(0, trace.transition_count).pc.tolist()):
        load = space.load_at(pc, context)
        assert load is not None
        assert any(low <= pc < high for low, high in load.executable_ranges)
        seen.add(load.binary.filename)
    assert "program" in seen


def test_functions_run_where_their_symbols_say(recorded: tuple[Path, Trace]) -> None:
    path, trace = recorded
    space = address_space(path, trace)
    program = next(binary for binary in space.binaries() if binary.filename == "program")
    for name, text in (("main", "int main("), ("helper", "int helper("), ("add", "int add(")):
        symbol = next(symbol for symbol in program.symbols() if symbol.name == name)
        (address,) = space.symbol_addresses(program, symbol)
        (context,) = trace.find_pcs([(address, address + 1)], 0, trace.transition_count).tolist()
        location = space.locate(address, context)
        assert location is not None
        assert str(location) == f"program!{name}"
        first = next(n for n, line in enumerate(C_SOURCE.splitlines(), 1) if text in line)
        assert location.line in range(first, first + 3)  # its first instruction, if optimised


def test_the_stack_has_its_name(recorded: tuple[Path, Trace]) -> None:
    path, trace = recorded
    space = address_space(path, trace)
    _, registers = trace.registers(trace.transition_count)
    rsp = int.from_bytes(registers[4 * 8 : 5 * 8], "little")
    location = space.locate(rsp, trace.transition_count)
    assert location is not None
    assert location.region == "[stack]"


def test_the_process_is_the_program(recorded: tuple[Path, Trace]) -> None:
    path, _ = recorded
    manifest = read_manifest(path)
    process = process_of(manifest.program, manifest.pid, manifest.ppid)
    assert process.name == "program"
    assert process.pid > 0


PLUGINS = r"""
#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
    int sum = 0;
    for (int n = 1; n < argc; n++) {
        void *plugin = dlopen(argv[n], RTLD_NOW);
        sum += ((int (*)(void))dlsym(plugin, "work"))();
        dlclose(plugin);
    }
    unsigned char *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(code, "\xb8\x2a\0\0\0\xc3", 6); /* mov eax, 42; ret */
    return sum + ((int (*)(void))code)() - 46;
}
"""


def test_plugins_that_take_turns_and_made_code(compile_program: Any, record_command: Any) -> None:
    first, second = (
        compile_program(f"int work(void) {{ return {n}; }}\n", "-shared", "-fPIC") for n in (1, 2)
    )
    path = record_command([compile_program(PLUGINS), first, second, first])
    trace = Trace(str(path))
    space = address_space(path, trace)
    turns = []
    unknown = []
    for context, pc in enumerate(trace.transitions(0, trace.transition_count).pc.tolist()):
        location = space.locate(pc, context)
        if location is None:
            unknown.append(context)
        elif location.binary and str(location).endswith("!work"):
            turns.append(location.binary.path)
    assert turns == [str(first), str(second), str(first)]
    assert len(unknown) == 2
    loads = [load for load in space.loads() if load.binary.path in turns]
    times = sorted((load.first_context, load.last_context) for load in loads)
    assert len(times) == 3
    assert times[0][1] < times[1][0] <= times[1][1] < times[2][0]
