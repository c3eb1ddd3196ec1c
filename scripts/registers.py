# SPDX-License-Identifier: Apache-2.0
"""Write the files that come from native/event_stream/registers.toml: the offsets for C and C++,
the table for Python and the lists for Axion. With --check, only compare: exits 1 if one differs.

    .venv/bin/python scripts/registers.py
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "native/event_stream/registers.toml"
BY = "Made by scripts/registers.py from native/event_stream/registers.toml: change that."

Row = dict[str, Any]


def read() -> Row:
    """The table, after looking for what cannot be: overlaps, wrong order, double names."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    end, names = 0, set()
    for row in table["registers"]:
        first, size = row["offset"], (row["bits"] + 7) // 8
        parts = row["name"].startswith("mm")  # they stand inside of fpu_regs
        if not parts and first < end:
            raise SystemExit(f"{row['name']} stands inside of the register before it")
        end = max(end, first + size)
        for name in (row["name"], *(part[0] for part in parts_of(row))):
            if name in names:
                raise SystemExit(f"the register {name} is there twice")
            names.add(name)
    if end > table["machine_size"]:
        raise SystemExit("the registers do not fit into a machine's register file")
    return table


def parts_of(row: Row) -> Iterator[list[str]]:
    return (part.split() for part in row["parts"].split(",")) if "parts" in row else iter(())


def header(table: Row) -> str:
    """For C and C++."""
    lines = [
        "/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later",
        f" * {BY} */",
        "#ifndef REVEN_REGISTERS_H",
        "#define REVEN_REGISTERS_H",
        "",
        f'#define REVEN_ARCHITECTURE "{table["architecture"]}"',
        "",
        "/* Offsets in the register file; its size for a program, and for a machine. */",
        "enum {",
    ]
    for row in table["registers"]:
        lines.append(f"    REVEN_{row['name'].upper()} = {row['offset']},")
        if row["name"] == "ymm0":
            lines.append(f"    REVEN_YMM = {row['offset']},")
    lines += [
        f"    REVEN_REGISTER_FILE_SIZE = {table['program_size']},",
        f"    REVEN_MACHINE_FILE_SIZE = {table['machine_size']}",
        "};",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def python(table: Row) -> str:
    """For reven2.arch and what else reads register views."""
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        f'"""{BY}"""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final, NamedTuple",
        "",
        "",
        "class Row(NamedTuple):",
        '    """Bits [shift, shift + bits) of the register view from byte `offset` on; `program`:',
        "    what a program sees in it where its trace does not hold it, else None; `msr`: its",
        '    number for rdmsr, else None."""',
        "",
        "    offset: int",
        "    bits: int",
        "    kind: str",
        "    root: str",
        "    shift: int = 0",
        "    msr: int | None = None",
        "    program: int | None = None",
        "",
        "",
        f'ARCHITECTURE: Final = "{table["architecture"]}"',
        f"REGISTER_FILE_SIZE: Final = {table['program_size']}",
        '"""Bytes of a program\'s register file."""',
        f"MACHINE_FILE_SIZE: Final = {table['machine_size']}",
        '"""Bytes of a machine\'s register file, and of its register view."""',
        f"REGISTER_VIEW_SIZE: Final = {table['program_size'] + 8}",
        '"""Bytes of a program\'s register view: the file, then rflags."""',
        "",
        "REGISTERS: Final = {",
    ]
    dwarf: dict[int, str] = {}
    gdb: dict[int, str] = {}
    for row in table["registers"]:
        name, offset, bits, kind = row["name"], row["offset"], row["bits"], row["class"]
        more = ""
        if "msr" in row:
            more += f", msr=0x{row['msr']:X}"
        if "program" in row:
            more += f", program=0x{row['program']:X}"
        lines.append(f'    "{name}": Row({offset}, {bits}, "{kind}", "{name}"{more}),')
        for numbers, key in ((dwarf, "dwarf"), (gdb, "gdb")):
            if key in row:
                numbers[row[key]] = name
        for part, first, count, *more_numbers in parts_of(row):
            shift = f", {first}" if first != "0" else ""
            lines.append(f'    "{part}": Row({offset}, {count}, "{kind}", "{name}"{shift}),')
            if more_numbers:
                dwarf[int(more_numbers[0])] = gdb[int(more_numbers[1])] = part
    lines.append("}")
    stack = table["stack"]
    for number in range(stack["count"]):
        dwarf[stack["dwarf"] + number] = gdb[stack["gdb"] + number] = f"{stack['name']}{number}"
    # gdb knows the flags by their 32-bit name.
    gdb = {number: "eflags" if name == "rflags" else name for number, name in gdb.items()}
    for constant, numbers, about in (
        ("DWARF_NUMBERS", dwarf, "Names by number in debug information."),
        ("GDB_NUMBERS", gdb, "Names by number in gdb's remote protocol."),
    ):
        lines += ["", f"{constant}: Final = {{"]
        lines += [f'    {number}: "{numbers[number]}",' for number in sorted(numbers)]
        lines += ["}", f'"""{about}"""']
    for listed, kind in (("GENERAL", "general"), ("VECTORS", "vectors")):
        names = [
            row["name"]
            for row in table["registers"]
            if row["class"] == kind and not row["name"].startswith("mm")
        ]
        lines += ["", f"{listed}: Final = (", *(f'    "{name}",' for name in names), ")"]
    lines.append('"""In the order of the register file, which is that of their encoding."""')
    return "\n".join(lines) + "\n"


def kit(table: Row) -> str:
    """For recorders in Python."""
    return "\n".join(
        (
            "# SPDX-License-Identifier: Apache-2.0",
            f'"""{BY}"""',
            "",
            "from __future__ import annotations",
            "",
            "from enum import IntEnum",
            "from typing import Final",
            "",
            f'ARCHITECTURE: Final = "{table["architecture"]}"',
            f"REGISTER_FILE_SIZE: Final = {table['program_size']}",
            f"MACHINE_FILE_SIZE: Final = {table['machine_size']}",
            "",
            "",
            "class Register(IntEnum):",
            '    """Offsets in the register file."""',
            "",
            *(f"    {row['name'].upper()} = {row['offset']}" for row in table["registers"]),
            "",
        )
    )


def typescript(table: Row) -> str:
    """For Axion."""
    names = [
        row["name"]
        for row in table["registers"]
        if row["class"] in ("general", "instruction_pointers")
    ]
    return "\n".join(
        (
            "// SPDX-License-Identifier: Apache-2.0",
            f"// {BY}",
            "",
            "// A register that may hold an address.",
            "export type PointerRegister =",
            *(f'  | "{name}"' for name in names[:-1]),
            f'  | "{names[-1]}";',
            "",
        )
    )


FILES = {
    "native/event_stream/registers.h": header,
    "src/reven2/arch/_table.py": python,
    "src/reven/recorders/kit/registers.py": kit,
    "axion/src/registers.ts": typescript,
}


def main(arguments: list[str]) -> int:
    table, stale = read(), []
    for name, make in FILES.items():
        path, text = ROOT / name, make(table)
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
    if stale and "--check" in arguments:
        print(*(f"{name} is stale: run scripts/registers.py" for name in stale), sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
