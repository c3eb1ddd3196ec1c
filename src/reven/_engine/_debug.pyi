# SPDX-License-Identifier: Apache-2.0
"""The index of debug information."""

from reven._engine import Progress

class DebugPlace:
    """A debugging information entry. `offset`: in .debug_info; `unit`: of its unit's header."""

    offset: int
    unit: int
    tag: int  # DW_TAG_…
    is_declaration: bool

class DebugScope:
    """A namespace or class, around the entries with offsets in [begin, end)."""

    begin: int
    end: int
    name: str  # qualified

class DebugIndex:
    """Where the named things of a binary's DWARF information are.

    Names of types and variables are qualified (`space::Type<int>`). The arguments are the
    contents of the sections, uncompressed; empty where there is none. `common_str`: .debug_str
    of the file that dwz moved common parts to."""

    unit_count: int
    damaged_unit_count: int  # left out

    def __init__(
        self,
        *,
        info: bytes,
        abbrev: bytes,
        str: bytes,
        line_str: bytes,
        str_offsets: bytes,
        addr: bytes,
        ranges: bytes,
        rnglists: bytes,
        common_str: bytes,
        progress: Progress | None = None,
    ) -> None: ...
    def types(self, name: str) -> list[DebugPlace]:
        """Definitions with that name; one of those that are the same in several units."""
    def functions(self, name: str) -> list[DebugPlace]:
        """By linkage name (`_ZN5space4callEv`, `main`); those with code first."""
    def variables(self, name: str) -> list[DebugPlace]:
        """Definitions outside of functions."""
    def unit_variables(self, unit: int) -> list[DebugPlace]: ...
    def scopes(self, unit: int) -> list[DebugScope]:
        """By ascending `begin`; [] for a damaged unit."""
    def function_at(self, address: int) -> DebugPlace | None:
        """The function, not inlined, whose code holds a virtual address of the file."""
