# SPDX-License-Identifier: Apache-2.0
"""Run DWARF line number programs.

pyelftools' own interpreter makes an object per opcode and needs seconds for one large compile
unit (25,000 rows/s), this loop a twentieth of that.
Source: DWARF 5, §6.2.2 "State-Machine Registers" and §6.2.5 "The Line Number Program".
"""

from __future__ import annotations

from typing import NamedTuple

from reven.ossi.linux.line_header import LineHeader

_ADDRESS = 8  # bytes


class Row(NamedTuple):
    """A row of the line table; it holds up to the next row's address."""

    address: int
    file: int
    line: int
    column: int
    is_statement: bool
    end_sequence: bool


def run_line_program(
    header: LineHeader, section: bytes, every: list[Row] | None = None
) -> list[list[Row]]:
    """The sequences of a line table, each with ascending addresses up to its end row.

    `header`: the program's. `section`: the whole .debug_line. Of rows with one
    address only the last is kept, and those before it at which a statement of another line
    starts. `every` gets all rows, in the order of the program. Raises IndexError
    or ValueError for damaged programs.
    """
    opcode_base, unit = header.opcode_base, header.unit
    line_base, line_range = header.line_base, header.line_range
    default_is_statement = header.default_is_statement
    constant_advance = (255 - opcode_base) // line_range * unit
    position, end = header.start, header.end

    sequences: list[list[Row]] = []
    rows: list[Row] = []
    address, file, line, column, is_statement = 0, 1, 1, 0, default_is_statement

    def uleb() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = section[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number in .debug_line is too long")

    def sleb() -> int:
        start = position
        value = uleb()
        bits = 7 * (position - start)
        return value - (1 << bits) if value >> (bits - 1) else value

    def emit(end_sequence: bool = False) -> None:
        begins = is_statement
        if every is not None and not end_sequence:
            every.append(Row(address, file, line, column, is_statement, False))
        while rows and rows[-1].address == address:
            last = rows[-1]
            is_same = (last.file, last.line) == (file, line)
            if last.is_statement and not is_same and not end_sequence:
                break
            begins = begins or (last.is_statement and is_same)
            rows.pop()
        rows.append(Row(address, file, line, column, begins, end_sequence))

    while position < end:
        opcode = section[position]
        position += 1
        if opcode >= opcode_base:
            advance, line_advance = divmod(opcode - opcode_base, line_range)
            address += advance * unit
            line += line_base + line_advance
            emit()
        elif opcode == 0:
            length = uleb()
            following = position + length
            extended = section[position]
            if extended == 1:  # DW_LNE_end_sequence
                emit(end_sequence=True)
                sequences.append(rows)
                rows = []
                address, file, line, column = 0, 1, 1, 0
                is_statement = default_is_statement
            elif extended == 2:  # DW_LNE_set_address
                if following - position - 1 > _ADDRESS:
                    raise ValueError("an address in .debug_line is too long")
                address = int.from_bytes(section[position + 1 : following], "little")
            position = following
        elif opcode == 1:  # DW_LNS_copy
            emit()
        elif opcode == 2:  # DW_LNS_advance_pc
            address += uleb() * unit
        elif opcode == 3:  # DW_LNS_advance_line
            line += sleb()
        elif opcode == 4:  # DW_LNS_set_file
            file = uleb()
        elif opcode == 5:  # DW_LNS_set_column
            column = uleb()
        elif opcode == 6:  # DW_LNS_negate_stmt
            is_statement = not is_statement
        elif opcode == 8:  # DW_LNS_const_add_pc
            address += constant_advance
        elif opcode == 9:  # DW_LNS_fixed_advance_pc
            address += int.from_bytes(section[position : position + 2], "little")
            position += 2
        else:  # marks of no use here, and opcodes of later standards
            for _ in range(header.lengths[opcode - 1]):
                uleb()
    return sequences
