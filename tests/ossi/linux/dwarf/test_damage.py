# SPDX-License-Identifier: Apache-2.0
"""Damaged debug information is left out or reported; it never takes the process down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reven._engine import DebugIndex
from reven.ossi.linux.debug_section import section_bytes
from reven.ossi.linux.dwarf.debug_info import DebugInfo

from .sources import debug_info, library

SOURCE = r"""
namespace space { struct point { int x, y; }; enum color { RED }; point origin; }
static int used(int n) { space::point p = {n, n}; return p.x; }
int call(int n) { return used(n) + space::origin.y; }
"""


def sections(info: DebugInfo) -> dict[str, bytes]:
    dwarf = info.dwarf
    return {
        "info": section_bytes(dwarf.debug_info_sec),
        "abbrev": section_bytes(dwarf.debug_abbrev_sec),
        "str": section_bytes(dwarf.debug_str_sec),
        "line_str": section_bytes(dwarf.debug_line_str_sec),
        "str_offsets": section_bytes(dwarf.debug_str_offsets_sec),
        "addr": section_bytes(dwarf.debug_addr_sec),
        "ranges": section_bytes(dwarf.debug_ranges_sec),
        "rnglists": section_bytes(dwarf.debug_rnglists_sec),
        "common_str": b"",
    }


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    made = library(tmp_path_factory.mktemp("damage"), SOURCE, "-O2", language="cpp")
    with debug_info(made) as info:
        return sections(info)


def index_of(sections: dict[str, Any], **more: Any) -> DebugIndex:
    return DebugIndex(**sections, **more)


def ask_everything(index: DebugIndex) -> None:
    for name in ("space::point", "int", "call", "space::origin"):
        index.types(name)
        index.functions(name)
        index.variables(name)
    index.scopes(0)
    index.unit_variables(0)
    index.function_at(0x1100)


def test_the_intact_index(intact: dict[str, bytes]) -> None:
    index = index_of(intact)
    assert (index.unit_count, index.damaged_unit_count) == (1, 0)
    assert [place.tag for place in index.types("space::point")] == [0x13]
    assert index.types("point") == []
    assert [place.tag for place in index.functions("_Z4calli")] == [0x2E]
    assert len(index.variables("space::origin")) == 1
    assert [scope.name for scope in index.scopes(0)] == ["space", "space::point"]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_damage_is_survived(intact: dict[str, bytes], data: Any) -> None:
    damaged = dict(intact)
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from([key for key, value in intact.items() if value]))
        content = bytearray(damaged[name])
        at = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[at] = data.draw(st.integers(0, 255))
        else:
            del content[at:]
        damaged[name] = bytes(content) or b"\0"
    index = index_of(damaged)
    ask_everything(index)


def test_damaged_units_leave_the_others(intact: dict[str, bytes]) -> None:
    unit = intact["info"]
    broken = bytearray(unit)
    broken[4] = 9  # the version
    index = index_of({**intact, "info": bytes(broken) + unit})
    assert (index.unit_count, index.damaged_unit_count) == (1, 1)
    assert len(index.types("space::point")) == 1
    assert index.types("space::point")[0].unit == len(unit)


def test_progress_may_stop_the_index(intact: dict[str, bytes]) -> None:
    seen: list[tuple[int, int]] = []
    index_of(intact, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, len(intact["info"]))]


def test_a_library_without_debug_information(tmp_path: Path) -> None:
    made = library(tmp_path, "int one;", "-g0")
    with pytest.raises(AssertionError), debug_info(made):
        pass
