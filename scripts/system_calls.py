# SPDX-License-Identifier: Apache-2.0
"""Write docs/reference/system-calls.md from the table of system calls. With --check, only compare:
exits 1 if it differs.

    .venv/bin/python scripts/system_calls.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from reven.ossi.linux.system_calls import Argument, Count, SystemCall, system_calls

PAGE = Path(__file__).parent.parent / "docs/reference/system-calls.md"
HEAD = """# System calls

Every system call of Linux on x86-64, made by `scripts/system_calls.py` from
`src/reven/ossi/linux/system_calls.toml`. What a call **reads** and **writes** of the program's
memory is in the trace: as accesses of the call, in the memory history, for searches and for taint.
`name[count]`: so many elements; `→`: of which so many count when the call has returned; `…`: up to
a null. What `iovec`, `msghdr` and other structures point to is read or written as they are.
What an argument is that depends on another one says `system_call_variants.toml` beside the table.
"""
ANSWERED = """
## Answered with ENOSYS

The recorder carries out every call but these, which get ENOSYS: `clone3` and `rseq`, without
which the C library does as well; and those that a trace's [notices](../how-to/record.md) name when
the program meets them: `userfaultfd`, `modify_ldt`, `remap_file_pages`, `map_shadow_stack`, a
filter of `seccomp` with a listener, and calls of kernels newer than this table.
"""


def count_text(count: Count) -> str:
    of = f"*{count.of}" if count.pointed else count.of
    if not of:
        return str(count.add)
    for sign, number, neutral in (
        ("·", count.multiply, 1),
        ("/", count.divide, 1),
        ("+", count.add, 0),
    ):
        if number != neutral:
            return f"{of} {sign} {number}"
    return of


def memory_text(argument: Argument) -> str:
    text = argument.name
    if argument.room is not None:
        used = f" → {count_text(argument.used)}" if argument.used else ""
        text += f"[{count_text(argument.room)}{used}]"
    return text + ("[…]" if argument.is_list else "")


def memory(call: SystemCall, kinds: tuple[str, ...]) -> str:
    found = [memory_text(one) for one in call.arguments if one.access in kinds]
    return ", ".join(f"`{one}`" for one in found)


def row(call: SystemCall) -> str:
    names = ", ".join(argument.name for argument in call.arguments)
    does = call.does
    if call.absent:
        does += f"; ENOSYS: {call.absent}"
    if call.needs:
        does += f"; needs {call.needs}"
    reads = memory(call, ("in", "inout", "gather", "scatter"))
    writes = memory(call, ("out", "inout", "scatter"))
    return f"| {call.number} | `{call.name}`({names}) | {does} | {reads} | {writes} |"


def lines() -> Iterator[str]:
    yield HEAD
    calls = sorted(system_calls().values(), key=lambda call: (call.group, call.number))
    for group, members in groupby(calls, key=lambda call: call.group):
        yield f"\n## {group.capitalize()}\n"
        yield "| | call | | reads | writes |\n|---|---|---|---|---|"
        yield from map(row, members)
    yield ANSWERED


def main() -> int:
    text = "\n".join(lines()).rstrip() + "\n"
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == text:
        return 0
    print(f"{PAGE} is not what the table says: run scripts/system_calls.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
