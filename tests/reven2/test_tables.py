# SPDX-License-Identifier: Apache-2.0
"""Results as tables, for pandas and for whatever takes an Arrow stream."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import reven2
from reven2.errors import MissingLibraryError


def test_accesses_in_pandas(values: reven2.OpenTrace) -> None:
    accesses = values.trace.memory_accesses()
    first = next(accesses)
    table = accesses.to_pandas()
    assert list(table.columns) == [
        "transition",
        "address",
        "size",
        "operation",
        "cause",
    ]
    assert [str(kind) for kind in table.dtypes] == [
        "uint64",
        "uint64",
        "uint32",
        "category",
        "category",
    ]
    rows = [
        (a.transition.id, a.virtual_address.offset, a.size, a.operation.value, a.cause.name)
        for a in (first, *accesses)
    ]
    assert list(table.itertuples(index=False, name=None)) == rows
    assert values.trace.memory_accesses().count() == len(rows)
    backward = values.trace.memory_accesses(is_forward=False).to_pandas()
    assert backward["transition"].tolist() == [row[0] for row in rows[::-1]]


def test_accesses_as_an_arrow_stream(values: reven2.OpenTrace) -> None:
    import duckdb
    import polars
    import pyarrow

    writes = values.trace.memory_accesses(operation=reven2.memhist.MemoryAccessOperation.Write)
    expected = writes.to_pandas()
    frame = polars.DataFrame(writes)
    assert frame["address"].to_list() == expected["address"].tolist()
    assert set(frame["operation"]) == {"write"}
    assert pyarrow.table(writes).num_rows == len(expected)
    counted: Any = duckdb.sql("select operation, count(*), sum(size) from writes group by 1")
    assert counted.fetchall() == [("write", len(expected), expected["size"].sum())]


def test_other_results_as_tables(bare: reven2.OpenTrace, values: reven2.OpenTrace) -> None:
    import polars

    strings = values.trace.strings("lib")
    frame = polars.DataFrame(strings)
    assert frame["data"].to_list() == [string.data for string in strings]
    assert frame["encoding"].to_list() == ["utf-8"] * len(frame)
    found = bare.trace.search.instruction("^dec ")
    assert found.to_pandas()["transition"].tolist() == [4, 7, 10]
    hits = bare.trace.search.value(0x1122334455667788)
    assert polars.DataFrame(hits)["register"].to_list() == ["rax", None, None, "rdx"]
    assert hits.to_pandas()["kind"].tolist() == ["register", "write", "read", "register"]


def test_transitions_as_a_table(bare: reven2.OpenTrace, threads: reven2.OpenTrace) -> None:
    import polars

    for server in (bare, threads):
        transitions = server.trace.transitions()
        frame = polars.DataFrame(transitions[2:500])
        rows = list(transitions)[2:500]
        assert frame["transition"].to_list() == [t.id for t in rows]
        assert frame["pc"].to_list() == [t.pc for t in rows]
        assert frame["thread"].to_list() == [t.thread for t in rows]
        texts = ["" if t.instruction is None else str(t.instruction) for t in rows]
        assert frame["instruction"].to_list() == texts
        assert transitions[:0].to_pandas().empty


def test_empty_results_are_tables_too(bare: reven2.OpenTrace) -> None:
    import pyarrow

    nothing = bare.trace.memory_accesses(from_transition=0, to_transition=0)
    assert nothing.to_pandas().shape == (0, 5)
    assert pyarrow.table(nothing).num_rows == 0
    assert bare.trace.strings("no such").to_pandas().shape == (0, 7)


def test_a_missing_library_is_named(
    bare: reven2.OpenTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library, use in (
        ("pandas", lambda results: results.to_pandas()),
        ("pyarrow", lambda results: results.__arrow_c_stream__()),
    ):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(MissingLibraryError, match=f"pip install {library}"):
            use(bare.trace.memory_accesses())


def test_notebooks_show_the_first_rows(bare: reven2.OpenTrace) -> None:
    accesses = bare.trace.memory_accesses()
    html = accesses._repr_html_()
    assert html is not None
    assert html.count("<tr>") == accesses.count() == len(list(accesses))
