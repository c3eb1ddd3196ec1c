# SPDX-License-Identifier: Apache-2.0
"""How fast taint goes through a trace."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import in_fresh_process
from benchmarks.table import Table, verdict

FORWARD_BUDGET = 20.0
"""Millions of transitions per second on one core, for a small tainted set."""

_RSP = 32
_ENVIRONMENT = 64  # bytes above the stack pointer at the start: pointers to arguments


def taint_table(trace: Path) -> Table:
    """A table of the speed of taints of 16 bytes, both ways."""
    result: dict[str, Any] = in_fresh_process("taint:taint_both_ways", trace=str(trace))
    rows: list[Sequence[str]] = []
    for name, budget in (("forward", FORWARD_BUDGET), ("backward", None)):
        speed = result["transitions"] / result[name]["cpu_seconds"] / 1e6
        rows.append(
            (
                f"16 bytes, {name}",
                f"{speed:.1f} M/s",
                f"{result[name]['accesses']:,}",
                verdict(speed, budget, " M/s", at_least=True) if budget else "",
            )
        )
    return Table("Taint", ("what", "transitions per second, one core", "accesses", "budget"), rows)


def taint_both_ways(trace: str) -> dict[str, Any]:
    """Taint 16 bytes of the program's first stack, through the whole trace, each way.

    Returns transitions, and for each way processor seconds and the number of accesses.
    """
    from reven import _engine

    engine = _engine.Trace(trace)
    engine.build_index()
    count = engine.transition_count
    _, registers = engine.registers(0)
    address = int.from_bytes(registers[_RSP : _RSP + 8], "little") + _ENVIRONMENT
    result: dict[str, Any] = {"transitions": count}
    for name, forward in (("forward", True), ("backward", False)):
        taint = _engine.Taint(engine, [(0, True, address, 16)], 1, 0, count, forward)
        start = time.process_time()
        taint.run()
        result[name] = {
            "cpu_seconds": time.process_time() - start,
            "accesses": taint.access_count,
        }
    return result
