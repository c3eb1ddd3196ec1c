# SPDX-License-Identifier: Apache-2.0
"""What happened: why the program ended as it did, each statement with its transition."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from reven2._service.code_places import CodePlace
from reven2._service.declared import query
from reven2._service.end import EndData

OutcomeKind = Literal[
    "success",
    "exit",
    "null pointer",
    "use after free",
    "overflow",
    "uninitialised",
    "wild access",
    "bad jump",
    "stack overflow",
    "stack smashing",
    "division",
    "illegal instruction",
    "double free",
    "heap corruption",
    "assertion",
    "abort",
    "exception",
    "deadlock",
    "waiting",
    "interrupted",
    "signal",
    "recorder",
    "replaced",
    "cut",
]
"""`interrupted`: by a signal from outside, while it ran; `waiting`: while all threads waited;
`recorder`: the recorder's doing, not the program's; `replaced`: by exec; `cut`: the recording
ended before the program."""

StatementRole = Literal[
    "instruction",
    "value",
    "source",
    "object",
    "allocated",
    "freed",
    "wrong",
    "cause",
    "message",
    "thrown",
    "decision",
    "waits",
    "holds",
    "loop",
    "note",
]


class StatementData(msgspec.Struct, frozen=True):
    """Something that is so, and the transition that shows it (None: the trace's end, or start);
    `place`: where in the code, of the person's own code where there is some. `role`: what the
    statement is about: the faulting `instruction`; a step of where a `value` came from, and its
    `source`; the `object` that was meant or hit, where it was `allocated` and `freed`; what was
    `wrong`; a `cause` of it; …"""

    role: StatementRole
    text: str
    transition: int | None
    place: CodePlace | None = None


class FrameText(msgspec.Struct, frozen=True):
    """A frame of the stack: `transition` is the instruction that it stands at, a call but for
    the top one."""

    transition: int | None
    place: CodePlace


class ExplanationData(msgspec.Struct, frozen=True):
    """Why a program ended as it did. `headline`: a sentence without its subject and full stop.
    `first_wrong`: the first moment in the person's own code at which something was wrong, None
    if nothing was, or it is not known. `statements` in the order to read them. `stack`: at the
    end, the top first; at most 64 frames. `limits`: what was not looked at, a sentence each."""

    kind: OutcomeKind
    headline: str
    transition: int | None
    thread: int | None
    end: EndData | None
    first_wrong: StatementData | None
    statements: list[StatementData]
    stack: list[FrameText]
    limits: list[str]


class ExplainService(Protocol):
    """Explanations."""

    @query(slow=True)
    def explain(self, *, own: list[str], not_own: list[str]) -> ExplanationData:
        """Why the program ended as it did. `own`, `not_own`: paths of binaries, sources or folders
        that are, or are not, the person's own code besides what is taken to be."""
