# SPDX-License-Identifier: Apache-2.0
"""The table of system calls: complete, consistent with itself and with the headers of C."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reven.ossi.linux.system_call_types import arguments_of, name_sets, size_of, structures
from reven.ossi.linux.system_calls import Argument, SystemCall, system_call, system_calls

_NUMBERS = "int uint long ulong size offset hex address"
_MEANINGS = "fd dirfd pid uid gid mode dev signal any"
_SCALARS = f"{_NUMBERS} {_MEANINGS}".split()
_HEADERS = Path(__file__).parent / "system_call_headers.h"


def _calls() -> Iterator[tuple[SystemCall, Argument]]:
    for call in system_calls().values():
        for argument in call.arguments:
            yield call, argument


def _compiled(body: str, folder: Path) -> list[str]:
    source, program = folder / "table.c", folder / "table"
    source.write_text(f'#include "{_HEADERS}"\nint main(void) {{\n{body}\nreturn 0; }}\n')
    subprocess.run(["gcc", "-w", source, "-o", program], check=True)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()


def test_no_number_is_left_out() -> None:
    # 337 to 423 are not given out on x86-64.
    assert set(system_calls()) >= {*range(337), *range(424, 471)}
    assert all(number == call.number for number, call in system_calls().items())


def test_arguments_agree_with_each_other() -> None:
    for call, argument in _calls():
        where = f"{call.name}, {argument.name}"
        names = {one.name for one in call.arguments}
        if argument.set:
            assert argument.set in name_sets(), where
            assert argument.type in ("flags", "enum"), where
        elif argument.access in ("", "in") and argument.type in ("path", "string"):
            pass
        elif argument.access:
            assert size_of(argument.type) or argument.type in ("fdset", "sockaddr", "file_handle")
        else:
            assert argument.type in _SCALARS, where
        for count in (argument.room, argument.used):
            assert count is None or count.of in names | {"", "result"}, where
        assert not argument.by or argument.by in names, where
        assert len(call.arguments) <= 6, where


def test_what_depends_on_another_argument_is_a_kind_of_argument() -> None:
    fcntl = system_call(72)
    assert fcntl is not None
    assert arguments_of(fcntl, (3, 5, 0x1000))[2].type == "flock"
    assert arguments_of(fcntl, (3, 5 | 1 << 40, 0x1000))[2].type == "flock"  # int is 32 bits
    assert arguments_of(fcntl, (3, 1, 0))[2].type == "hex"
    futex = system_call(202)
    assert futex is not None
    assert arguments_of(futex, (0x1000, 128 | 256 | 9, 1, 0x2000, 0, 0))[3].type == "timespec"
    assert arguments_of(futex, (0x1000, 1, 1, 0x2000, 0, 0))[3].type == "hex"


def test_names_of_numbers_are_those_of_the_headers(tmp_path: Path) -> None:
    defined = subprocess.run(
        ["gcc", "-E", "-dM", _HEADERS], capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"#define (\w+)", defined))
    known |= {"WNOHANG", "IPC_STAT", "SOCK_STREAM", "FSCONFIG_CMD_CREATE"}
    wanted = {
        name: number
        for names in name_sets().values()
        for name, number in names.names.items()
        # The C library has 0 for it, since its 64-bit programs need not say it; and its own
        # value of O_SYNC is of the kernel's two.
        if name in known and name not in ("O_LARGEFILE",)
    }
    assert len(wanted) > 700
    lines = _compiled(
        "\n".join(f'printf("{name} %u\\n", (unsigned)({name}));' for name in wanted), tmp_path
    )
    assert dict(line.split() for line in lines) == {
        name: str(number) for name, number in wanted.items()
    }


def test_structures_lie_in_memory_as_those_of_the_headers(tmp_path: Path) -> None:
    lines, wanted = [], []
    for structure in structures().values():
        if not structure.c_name or not structure.fields:
            continue
        lines.append(f'printf("%d\\n", (int)sizeof({structure.c_name}));')
        wanted.append((structure.name, "size", structure.size))
        for offset, field in structure.fields:
            if field.name in structure.newer:
                continue
            lines.append(f'printf("%d\\n", (int)offsetof({structure.c_name}, {field.name}));')
            wanted.append((structure.name, field.name, offset))
    assert len(wanted) > 250
    found = _compiled("\n".join(lines), tmp_path)
    assert [
        (name, field, int(offset)) for (name, field, _), offset in zip(wanted, found, strict=True)
    ] == wanted


@pytest.mark.parametrize("number", [-1, 337, 423, 100_000])
def test_what_is_no_call(number: int) -> None:
    assert system_call(number) is None
