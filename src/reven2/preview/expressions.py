# SPDX-License-Identifier: Apache-2.0
"""What a value was computed from, as one expression of the program's inputs. An addition to the
documented interface.

    from reven2.preview.expressions import expression
    found = expression(context, "rax")
    print(found.text("c"))
    print(found.evaluate())
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

from reven2._expressions.printing import Language, write
from reven2._expressions.values import evaluate, masked
from reven2._service.slices import ExpressionData
from reven2.errors import InvalidArgumentError
from reven2.preview.taint._data import Data, seeds_of

if TYPE_CHECKING:
    from reven2.trace import Context, Trace, Transition

__all__ = ["Expression", "Variable", "expression"]

MOST_TRANSITIONS = 100_000
_LOOK_UP = """\
static uint64_t look_up(const uint8_t *table, uint64_t size, uint64_t at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        if (at < size && i < size - at)
            value |= (uint64_t)table[at + i] << 8 * i;
    return value;
}
"""


class Variable:
    """An input of an expression. Not meant to be constructed directly: an `Expression` has it."""

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: ExpressionData, number: int) -> None:
        self._trace, self._data = trace, data.variables[number]

    @property
    def name(self) -> str:
        """An identifier, such as `in_txt_3`."""
        return self._data.name

    @property
    def label(self) -> str:
        """For people: `in.txt[3]`."""
        return self._data.label

    @property
    def source(self) -> str:
        """Where it came from: `/home/me/in.txt, byte 3`."""
        return self._data.source

    @property
    def width(self) -> int:
        """Bits."""
        return self._data.width

    @property
    def value(self) -> int:
        """The recorded one."""
        return self._data.value

    @property
    def is_opaque(self) -> bool:
        """It is no input, but what an instruction gave that the expression cannot say."""
        return self._data.is_opaque

    @property
    def transition(self) -> Transition | None:
        """The one that brought it; None: it was there as the trace began."""
        number = self._data.transition
        return None if number is None else self._trace.transition(number)

    def __str__(self) -> str:
        return f"{self.name} = {self.value:#x}: {self.source}"

    def __repr__(self) -> str:
        return f"Variable({str(self)!r})"


class Expression:
    """A value as an expression. It was evaluated with the recorded inputs, and gave the recorded
    value. Not meant to be constructed directly: `expression` gives it."""

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: ExpressionData) -> None:
        self._trace, self._data = trace, data

    @property
    def variables(self) -> list[Variable]:
        """Its inputs."""
        return [Variable(self._trace, self._data, at) for at in range(len(self._data.variables))]

    @property
    def value(self) -> int:
        """The recorded value."""
        return self._data.value

    @property
    def width(self) -> int:
        """Bits of the value."""
        return self._data.nodes[-1][1]

    @property
    def size(self) -> int:
        """How many operations, inputs and numbers it has."""
        return len(self._data.nodes)

    @property
    def transition_count(self) -> int:
        """Transitions of the slice that it was made of."""
        return self._data.transitions

    @property
    def notes(self) -> list[str]:
        """What limits it, as sentences."""
        return list(self._data.notes)

    def evaluate(self, inputs: Mapping[str, int] | None = None) -> int:
        """Its value for other inputs.

        Parameters:
            inputs: by name; the others have their recorded values.

        Raises:
            InvalidArgumentError (a ValueError): it has no such input.
        """
        given = {one.name: one.value for one in self._data.variables}
        for name, value in (inputs or {}).items():
            if name not in given:
                raise InvalidArgumentError(
                    f"The expression has no input {name!r}: it has {', '.join(given) or 'none'}."
                )
            given[name] = value
        values = [masked(given[one.name], one.width) for one in self._data.variables]
        tables = [one.data for one in self._data.tables]
        return evaluate(self._data.nodes, values, tables)[-1]

    def text(self, language: Language = "python") -> str:
        """As a function of its inputs, complete with its tables.

        Parameters:
            language: `c` (a function `value`, of C11 with GNU's 128-bit integers), `python` (the
                same), or `smt2` (SMT-LIB 2: `value` and the inputs are constants, to be asserted
                about).

        Raises:
            InvalidArgumentError (a ValueError): not one of these, or numbers too wide for C.
        """
        if language not in get_args(Language):
            raise InvalidArgumentError(
                f"{language!r} is no language to write in: use one of {get_args(Language)}."
            )
        written = write(self._data.nodes, [one.name for one in self._data.variables], language)
        return {"c": self._c, "python": self._python, "smt2": self._smt}[language](
            written.parts, written.result
        )

    def _c(self, parts: list[tuple[str, int, str]], result: str) -> str:
        lines = ["#include <stdint.h>", ""]
        for number, table in enumerate(self._data.tables):
            data = ", ".join(map(str, table.data))
            lines.append(f"static const uint8_t table{number}[] = {{{data}}};")
        if self._data.tables:
            lines.append(_LOOK_UP)
        arguments = ", ".join(f"{_c_type(one.width)} {one.name}" for one in self._data.variables)
        lines.append(f"{_c_type(self.width)} value({arguments or 'void'})\n{{")
        lines += [f"    {_c_type(width)} {name} = {text};" for name, width, text in parts]
        return "\n".join([*lines, f"    return {result};", "}"]) + "\n"

    def _python(self, parts: list[tuple[str, int, str]], result: str) -> str:
        lines = [f"table{at} = {one.data!r}" for at, one in enumerate(self._data.tables)]
        lines.append(f"def value({', '.join(one.name for one in self._data.variables)}):")
        lines += [f"    {name} = {text}" for name, _, text in parts]
        return "\n".join([*lines, f"    return {result}"]) + "\n"

    def _smt(self, parts: list[tuple[str, int, str]], result: str) -> str:
        lines = [
            f"(declare-const {one.name} (_ BitVec {one.width}))" for one in self._data.variables
        ]
        for number, table in enumerate(self._data.tables):
            name, array = f"table{number}", "(Array (_ BitVec 64) (_ BitVec 8))"
            held = f"((as const {array}) #x00)"
            for at, byte in enumerate(table.data):
                if byte:
                    held = f"(store {held} (_ bv{at} 64) (_ bv{byte} 8))"
            lines.append(f"(define-fun {name} () {array} {held})")
        lines += [
            f"(define-fun {name} () (_ BitVec {width}) {text})" for name, width, text in parts
        ]
        lines.append(f"(define-fun value () (_ BitVec {self.width}) {result})")
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        lines = [self.text().rstrip()]
        lines += [f"# {one}" for one in self.variables]
        lines.append(
            f"# gives {self.value:#x}, as recorded; of {self.transition_count} transitions"
        )
        return "\n".join([*lines, *(f"# {one}" for one in self.notes)])

    def __repr__(self) -> str:
        return f"<Expression of {len(self._data.variables)} inputs, {self.size} parts>"


def expression(context: Context, what: Data, max_transitions: int = MOST_TRANSITIONS) -> Expression:
    """The value of a register or of memory as one expression of what the program was given.

    A backward slice, followed through addresses, is computed again: bytes of files, arguments and
    other inputs as variables, all else as it was recorded. Which branches were taken is not a
    part of it.

    Parameters:
        context: the moment.
        what: a register or a range of memory, as for `Tainter.simple_taint`; 64 bytes at most.
        max_transitions: of the slice.

    Raises:
        InvalidArgumentError (a ValueError): no such data, or a slice or expression too large.
        TraceError (a RuntimeError): the expression does not give the recorded value.
    """
    places = [seed[1:] for seed in seeds_of(what, 0, context)]
    found = context._trace._service.slice_expression(context._id, places, limit=max_transitions)
    return Expression(context._trace, found)


def _c_type(width: int) -> str:
    for size in (8, 16, 32, 64):
        if width <= size:
            return f"uint{size}_t"
    return "unsigned __int128"
