# SPDX-License-Identifier: Apache-2.0
"""What an explanation is put together from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from reven.explain.evidence import Evidence
from reven.explain.objects import Objects
from reven.explain.story import Story, Wrong
from reven.trace.own_code import short_name
from reven2._service.end import EndData
from reven2._service.explain import ExplanationData, OutcomeKind, StatementData, StatementRole

__all__ = ["Outcome"]


@dataclass
class Outcome:
    """The explanation while it is made. `transition`: the last moment that matters: the
    instruction that faulted, the call that ended the process."""

    evidence: Evidence
    end: EndData | None
    kind: OutcomeKind
    headline: str
    transition: int | None
    statements: list[StatementData] = field(default_factory=list)
    first_wrong: StatementData | None = None

    def __post_init__(self) -> None:
        self.objects = Objects(self.evidence)
        self.story = Story(self.evidence, self.objects)

    def say(self, role: StatementRole, text: str, transition: int | None) -> StatementData:
        """Add a statement."""
        statement = self.evidence.statement(role, text, transition)
        self.statements.append(statement)
        return statement

    def add(self, *statements: StatementData | None) -> None:
        """Add statements that are not there yet."""
        self.statements += [
            one for one in statements if one is not None and one not in self.statements
        ]

    def blame(self, wrong: Wrong) -> None:
        """Say what was wrong, and that it was the first thing to be."""
        self.add(wrong.at, *wrong.more)
        self.first_wrong = wrong.at

    def data(self) -> ExplanationData:
        at = self.transition
        wrong = self.first_wrong
        if wrong is not None and wrong.place is not None and wrong.place.is_own:
            place = wrong.place
            where = short_name(place.function)
            if place.line:
                where += f", {PurePosixPath(place.file).name}:{place.line}"
            self.headline += f" ({where})"
        inside = at is not None and at < self.evidence.count
        return ExplanationData(
            kind=self.kind,
            headline=self.headline,
            transition=at,
            thread=self.evidence.thread_at(at) if inside and at is not None else None,
            end=self.end,
            first_wrong=self.first_wrong,
            statements=self.statements,
            stack=self.evidence.frames(at) if inside and at is not None else [],
            limits=self.evidence.limits,
        )
