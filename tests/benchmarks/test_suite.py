# SPDX-License-Identifier: Apache-2.0
"""Every part of the benchmarks runs, on tiny inputs, and gives figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.measure import percentile, run
from benchmarks.programs import Sizes, make_programs
from benchmarks.suite import Settings, measure
from benchmarks.table import Table, count, duration, verdict

TINY = Settings(
    sizes=Sizes(
        gzip_bytes=4_000, sqlite_rows=20, python_iterations=10, c_functions=1, thread_chunks=2
    ),
    smaller_traces=(100,),
    programs=("gzip", "threads"),
    runs=1,
    peer_runs=1,
    peer_seconds=0.5,
    samples=4,
    loop=500,
)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Table]:
    folder: Path = tmp_path_factory.mktemp("benchmarks")
    return {table.title: table for table in measure(folder, TINY, lambda _: None)}


def test_every_program_runs(tmp_path: Path) -> None:
    programs = make_programs(tmp_path, TINY.sizes)
    assert tuple(program.name for program in programs) == Settings().programs
    for program in programs:
        assert run(program.command).seconds > 0


def test_programs_are_run_natively_under_valgrind_and_recorded(tables: dict[str, Table]) -> None:
    names = [row[0] for row in tables["Recording to disk"].rows]
    for program in TINY.programs:
        for tool in ("native", "valgrind --tool=none", "reven record"):
            assert f"{program}, {tool}" in names


def test_peers_give_a_time_per_instruction(tables: dict[str, Table]) -> None:
    by_tool = next(table for title, table in tables.items() if title.startswith("Time per instr"))
    row = next(row for row in by_tool.rows if row[0] == "gzip")
    lackey, gdb = row[3], row[4]
    assert "×" in lackey
    assert "×" in gdb


def test_every_size_of_trace_is_queried_by_both_layers(tables: dict[str, Table]) -> None:
    queried = [table for title, table in tables.items() if title.startswith("Queries on")]
    assert len(queried) == len(TINY.smaller_traces) + 1
    for table in queried:
        names = {row[0] for row in table.rows}
        for layer in ("engine", "reven2"):
            for query in ("registers, cold", "memory, warm", "previous write", "next run of a pc"):
                assert f"{layer}: {query}" in names


@pytest.mark.parametrize(
    "title",
    ["Size on disk", "Indexing", "Opening a trace", "Limits of this machine", "Loops"],
)
def test_tables_have_a_figure_in_every_row(tables: dict[str, Table], title: str) -> None:
    rows = tables[title].rows
    assert rows
    assert all(any(character.isdigit() for character in "".join(row[1:])) for row in rows)


def test_tables_become_markdown() -> None:
    table = Table("Title", ("a", "b"), [("x|y", "1")], ["Said first."])
    assert table.markdown().splitlines() == [
        "## Title",
        "",
        "Said first.",
        "",
        "| a | b |",
        "| :-- | --: |",
        "| x\\|y | 1 |",
    ]


def test_percentiles_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 50) == 3.0
    assert percentile(values, 95) == 5.0
    assert percentile([7.0], 99) == 7.0


def test_a_budget_is_met_or_missed() -> None:
    assert verdict(14.9, 15, "×") == "≤ 15×: met"
    assert verdict(19, 20, " M/s", at_least=True) == "≥ 20 M/s: missed"


def test_figures_take_the_unit_that_suits_them() -> None:
    assert [count(12), count(1_340_000_000)] == ["12", "1.34 G"]
    assert [duration(2), duration(0.0123), duration(45e-6)] == ["2.00 s", "12.3 ms", "45 µs"]


def test_searches_go_through_a_whole_trace(tables: dict[str, Table]) -> None:
    [table] = [table for title, table in tables.items() if title.startswith("Searches of")]
    found = {row[0]: row[1] for row in table.rows}
    assert found["bytes in memory, ever"] == found["a value in registers and accesses"] == "0"
    assert found["index of strings"] != "0"
    assert found["accesses into pandas"] != "0"
