# SPDX-License-Identifier: Apache-2.0
"""Which functions, blocks and variables of the source an instruction belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from elftools.dwarf.locationlists import BaseAddressEntry, LocationEntry
from elftools.dwarf.ranges import BaseAddressEntry as RangeBase

from reven.ossi.linux.dwarf.debug_info import DebugInfo

if TYPE_CHECKING:
    from elftools.dwarf.compileunit import CompileUnit
    from elftools.dwarf.die import DIE
    from elftools.dwarf.typeunit import TypeUnit

_BLOCKS = {
    "DW_TAG_lexical_block",
    "DW_TAG_inlined_subroutine",
    "DW_TAG_try_block",
    "DW_TAG_catch_block",
    "DW_TAG_with_stmt",
}
_VARIABLES = {"DW_TAG_variable", "DW_TAG_formal_parameter"}
_WANTED = _BLOCKS | _VARIABLES
_EXPRESSION_FORMS = {"DW_FORM_exprloc", "DW_FORM_block", "DW_FORM_block1", "DW_FORM_block2"}
_KEPT = 4096


@dataclass(frozen=True)
class Declared:
    """A variable that an address has in scope, and the function it was declared in. `level`: how
    many functions that were inlined stand above that one."""

    die: DIE
    kind: Literal["parameter", "local"]
    function: str
    is_inlined: bool
    level: int


class Scopes:
    """Blocks of one binary. Addresses are virtual ones of the file. Holders of the image's lock
    only."""

    def __init__(self, info: DebugInfo) -> None:
        self._info = info
        self._children = lru_cache(maxsize=_KEPT)(self._read_children)
        self._copies = lru_cache(maxsize=_KEPT)(self._read_copies)

    def function_at(self, address: int) -> DIE | None:
        """The function, not an inlined one, whose code an address belongs to."""
        place = self._info.index.function_at(address)
        return None if place is None else self._info.entry(place.offset)

    def blocks_at(self, address: int) -> list[DIE]:
        """The function and the blocks in it that hold an address, the innermost last."""
        function = self.function_at(address)
        found = [] if function is None else [function]
        while found:
            inner = next(
                (
                    child
                    for child in self._children(found[-1])
                    if child.tag in _BLOCKS and self.covers(child, address)
                ),
                None,
            )
            if inner is None:
                break
            found.append(inner)
        return found

    def copies_in(self, address: int) -> list[tuple[int, int, int]]:
        """The code of what was inlined into the function that holds an address, as (low, high,
        number of the entry)."""
        function = self.function_at(address)
        return [] if function is None else self._copies(self._info.number(function))

    def _read_copies(self, function: int) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        waiting = [self._info.entry(function)]
        while waiting:
            blocks = [one for one in self._children(waiting.pop()) if one.tag in _BLOCKS]
            waiting += blocks
            for block in blocks:
                if block.tag == "DW_TAG_inlined_subroutine":
                    found += [(low, high, block.offset) for low, high in self.ranges(block)]
        return found

    def functions_at(self, address: int) -> list[DIE]:
        """The functions that an address belongs to, the innermost of those that were inlined
        there first, and last the one that has the code."""
        return [
            block
            for block in reversed(self.blocks_at(address))
            if block.tag in ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")
        ]

    def declared_at(self, address: int) -> list[Declared]:
        """The variables in scope, the innermost block's first, each block's in the order of
        their declaration, parameters of a function after its variables."""
        found: list[Declared] = []
        blocks = self.blocks_at(address)
        functions = [
            (block, block.tag == "DW_TAG_inlined_subroutine")
            for block in blocks
            if block.tag in ("DW_TAG_inlined_subroutine", "DW_TAG_subprogram")
        ]
        innermost = len(functions)
        for block in reversed(blocks):
            function, is_inlined = functions[-1]
            level = innermost - len(functions)
            name = self._info.qualified_name(function)
            parameters = []
            for child in self._children(block):
                if child.tag == "DW_TAG_variable":
                    if "DW_AT_declaration" not in child.attributes:
                        found.append(Declared(child, "local", name, is_inlined, level))
                elif child.tag == "DW_TAG_formal_parameter":
                    parameters.append(Declared(child, "parameter", name, is_inlined, level))
            found += parameters
            if block is function:
                functions.pop()
        return found

    def covers(self, die: DIE, address: int) -> bool:
        """Whether an entry's code holds an address."""
        return any(low <= address < high for low, high in self.ranges(die))

    def ranges(self, die: DIE) -> Iterator[tuple[int, int]]:
        """The code of an entry, as [low, high)."""
        attributes = die.attributes
        if "DW_AT_ranges" in attributes:
            base = unit_base(die.cu)
            lists: Any = self._info.dwarf.range_lists()
            for entry in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, die.cu):
                if isinstance(entry, RangeBase):
                    base = entry.base_address
                else:
                    start = 0 if entry.is_absolute else base
                    yield start + entry.begin_offset, start + entry.end_offset
        elif "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
            low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
            is_address = high.form.startswith("DW_FORM_addr")
            yield low, high.value if is_address else low + high.value

    def expression(self, die: DIE, attribute: str, address: int | None) -> bytes | None:
        """The expression of an attribute that holds at an address; None if there is none
        there."""
        found = die.attributes.get(attribute)
        if found is None:
            return None
        if found.form in _EXPRESSION_FORMS:
            return bytes(found.value)
        if address is None:
            return None
        base = unit_base(die.cu)
        default = None
        lists: Any = self._info.dwarf.location_lists()
        for entry in lists.get_location_list_at_offset(found.value, die):
            if isinstance(entry, BaseAddressEntry):
                base = entry.base_address
            elif isinstance(entry, LocationEntry):
                start = 0 if entry.is_absolute else base
                if entry.begin_offset == -1:
                    default = bytes(entry.loc_expr)
                elif start + entry.begin_offset <= address < start + entry.end_offset:
                    return bytes(entry.loc_expr)
        return default

    def _read_children(self, die: DIE) -> list[DIE]:
        found = [child for child in die.iter_children() if child.tag in _WANTED]
        if "DW_AT_abstract_origin" in die.attributes:
            # What was optimized out is only where the function was declared.
            origin = self._info.target(die, "DW_AT_abstract_origin")
            here = {
                target.offset
                for child in found
                if "DW_AT_abstract_origin" in child.attributes
                and (target := self._info.target(child, "DW_AT_abstract_origin")) is not None
            }
            found += [
                child
                for child in (() if origin is None else origin.iter_children())
                if child.tag in _VARIABLES and child.offset not in here
            ]
        return found


def unit_base(unit: CompileUnit | TypeUnit) -> int:
    """What addresses of lists count from."""
    found = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
    return int(found.value) if found is not None else 0
