# SPDX-License-Identifier: Apache-2.0
"""What happened: why the recorded program ended as it did, each statement with the transition
that shows it. An addition to the documented interface.

    explanation = trace.explain()
    print(explanation.headline)
    print(explanation)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reven2._printable import escape, printable, printable_lines
from reven2._service.code_places import CodePlace
from reven2._service.explain import ExplanationData, FrameText, StatementData

if TYPE_CHECKING:
    from reven2.trace import Trace, Transition

__all__ = ["CodePlace", "Explanation", "Frame", "Statement", "explain"]

_SHOWN_FRAMES = 12


def place_text(place: CodePlace | None) -> str:
    """`parse+0x12 (parse.c:41)`; "" where nothing is known."""
    if place is None:
        return ""
    name = place.function or place.binary.rpartition("/")[2] or f"{place.pc:#x}"
    if place.offset:
        name += f"+{place.offset:#x}"
    if place.file and place.line:
        name += f" ({place.file.rpartition('/')[2]}:{place.line})"
    return name


class Statement:
    """Something that is so, and the transition that shows it. `str`: the transition, the place,
    and the statement.

    Not meant to be constructed directly: an explanation has it.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: StatementData) -> None:
        self._trace, self._data = trace, data

    @property
    def role(self) -> str:
        """What it is about: `instruction` (that faulted), `value` (a step of where one came
        from), `source` (where it came into the program), `object` (that was meant or hit),
        `allocated`, `freed`, `wrong`, `cause`, `message`, `thrown`, `decision`, `waits`,
        `holds`, `loop`, `note`."""
        return self._data.role

    @property
    def text(self) -> str:
        """What is so."""
        return self._data.text

    @property
    def transition(self) -> Transition | None:
        """The transition that shows it; None: it was so at the trace's start or end."""
        number = self._data.transition
        if number is None or number >= self._trace.transition_count:
            return None
        return self._trace.transition(number)

    @property
    def place(self) -> CodePlace | None:
        """Where in the code: of the person's own code, where there is some."""
        return self._data.place

    def __str__(self) -> str:
        number = self._data.transition
        parts = [f"#{number}" if number is not None else "", place_text(self._data.place)]
        where = "  ".join(part for part in parts if part)
        return printable(f"{where}: {self.text}" if where else self.text)

    def __repr__(self) -> str:
        return f"Statement({self.role!r}, {self._data.transition}, {self.text!r})"


class Frame:
    """A frame of the stack at the end.

    Not meant to be constructed directly: an explanation has it.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: FrameText) -> None:
        self._trace, self._data = trace, data

    @property
    def transition(self) -> Transition | None:
        """The instruction that the frame stands at: a call, but for the top one."""
        number = self._data.transition
        return None if number is None else self._trace.transition(number)

    @property
    def place(self) -> CodePlace:
        """Where in the code that is."""
        return self._data.place

    def __str__(self) -> str:
        return printable(place_text(self._data.place))


class Explanation:
    """Why a program ended as it did. `str` tells all of it.

    Not meant to be constructed directly: ask `Trace.explain`.
    """

    __slots__ = ("_data", "_trace")

    def __init__(self, trace: Trace, data: ExplanationData) -> None:
        self._trace, self._data = trace, data

    @property
    def kind(self) -> str:
        """What kind of end it is: `success`, `exit`, `null pointer`, `use after free`,
        `overflow`, `uninitialised`, `wild access`, `bad jump`, `stack overflow`, `stack
        smashing`, `division`, `illegal instruction`, `double free`, `heap corruption`,
        `assertion`, `abort`, `exception`, `deadlock`, `waiting`, `interrupted`, `signal`,
        `recorder` (the recorder's doing), `replaced` (by exec), `cut` (the recording ended
        first)."""
        return self._data.kind

    @property
    def headline(self) -> str:
        """The whole in a sentence, without its subject."""
        return self._data.headline

    @property
    def transition(self) -> Transition | None:
        """The last moment that matters: the instruction that faulted, the call that ended it."""
        number = self._data.transition
        if number is None or number >= self._trace.transition_count:
            return None
        return self._trace.transition(number)

    @property
    def thread(self) -> int | None:
        """Number of the thread that ended the program."""
        return self._data.thread

    @property
    def first_wrong(self) -> Statement | None:
        """The first moment in own code at which something was wrong; None if nothing was, or
        it is not known."""
        data = self._data.first_wrong
        return None if data is None else Statement(self._trace, data)

    @property
    def statements(self) -> list[Statement]:
        """What shows it, in the order to read."""
        return [Statement(self._trace, one) for one in self._data.statements]

    @property
    def stack(self) -> list[Frame]:
        """The stack at the end, the top first; at most 64 frames."""
        return [Frame(self._trace, one) for one in self._data.stack]

    @property
    def limits(self) -> list[str]:
        """What was not looked at, a sentence each."""
        return list(self._data.limits)

    def __str__(self) -> str:
        lines = [f"The program {self.headline}."]
        if self.first_wrong is not None:
            lines += ["", f"first wrong  {self.first_wrong}"]
        if self._data.statements:
            lines += ["", *(f"{one.role:<11}  {one}" for one in self.statements)]
        if self._data.stack:
            lines += ["", "stack"]
            lines += [f"  {frame}" for frame in self.stack[:_SHOWN_FRAMES]]
        lines += [f"not looked at: {limit}" for limit in self.limits]
        return "\n".join(map(printable_lines, lines))

    def __repr__(self) -> str:
        return printable(f"Explanation({self.kind!r}: {self.headline})")

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>".format(
                escape(one.role),
                one.transition.format_as_html() if one.transition is not None else "",
                escape(place_text(one.place)),
                escape(one.text),
            )
            for one in self.statements
        )
        head = f"<p>The program {escape(self.headline)}.</p>"
        return f"{head}<table><tbody>{rows}</tbody></table>"


def explain(trace: Trace, own: Sequence[str] = (), not_own: Sequence[str] = ()) -> Explanation:
    """The same as `Trace.explain`."""
    return Explanation(trace, trace._service.explain(own=list(own), not_own=list(not_own)))
