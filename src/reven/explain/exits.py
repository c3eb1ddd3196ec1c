# SPDX-License-Identifier: Apache-2.0
"""Explains exits: the last decision that led to a status other than 0."""

from __future__ import annotations

from reven.explain.decision import explain_decision
from reven.explain.outcome import Outcome
from reven2._service.heap import HeapErrorKind

__all__ = ["explain_exit"]

_LONGEST_SEARCH = 300_000_000
"""Transitions up to which all accesses to memory are examined."""
_MOST_ERRORS = 5
_REACH = 2_000_000
"""Transitions before the exit in which a failed system call may be its reason."""


def explain_exit(outcome: Outcome) -> None:
    """Fill in an outcome of a process that exited."""
    end = outcome.end
    assert end is not None
    evidence = outcome.evidence
    last = evidence.count - 1
    outcome.transition = last
    if end.status == 0:
        outcome.kind = "success"
        outcome.headline = "exited with status 0"
        _look_for_errors(outcome)
        return
    outcome.kind = "exit"
    at = _decided_at(outcome, last)
    _failure(outcome, last)
    message = _last_words(outcome)
    if message:
        outcome.say("message", f"it wrote: {message}", None)
    if at is None:
        return
    for standing in evidence.stack(at):
        if not standing.place.is_own or standing.transition is None:
            continue
        if explain_decision(outcome, standing.transition, standing):
            return


def _look_for_errors(outcome: Outcome) -> None:
    """What a program that ended well did wrong with memory all the same."""
    evidence = outcome.evidence
    if evidence.count > _LONGEST_SEARCH:
        evidence.limit(
            "Errors of memory were not looked for, as the trace is long: `reven find all`."
        )
        outcome.headline += ": nothing went wrong that the end shows"
        return
    kinds: tuple[HeapErrorKind, ...] = ("overflow", "use-after-free", "double-free")
    errors = [
        error for kind in kinds for error in evidence.service.heap_errors(kind, limit=_MOST_ERRORS)
    ]
    errors.sort(key=lambda one: one.transition)
    if not errors:
        outcome.headline += ": nothing went wrong"
        return
    for error in errors:
        found = None
        if error.is_write:
            found = outcome.story.check_write(error.address, error.transition)
        if found is not None:
            outcome.add(found.at, *found.more)
            wrong = found.at
        else:
            verb = "writes" if error.is_write else "reads"
            text = f"{error.kind}: {verb} {error.size} bytes at {error.address:#x}"
            if error.kind == "double-free":
                text = f"frees {error.address:#x}, where no block is"
            wrong = outcome.say("wrong", text, error.transition)
        outcome.first_wrong = outcome.first_wrong or wrong
    number = f"{len(errors)} errors" if len(errors) > 1 else "an error"
    outcome.headline += (
        f", but there is {number} of memory"
        if len(errors) == 1
        else (f", but there are {number} of memory")
    )


def _decided_at(outcome: Outcome, last: int) -> int | None:
    """The moment in own code that chose the status: the call of exit, or the return of main's
    value."""
    evidence = outcome.evidence
    end = outcome.end
    assert end is not None
    called = evidence.called_from_own(last)
    if called is not None and called[1].transition is not None:
        name = evidence.function_named(called[0])
        outcome.first_wrong = outcome.say(
            "wrong", f"{name}({end.status}) is called", called[1].transition
        )
        return called[1].transition
    chains = evidence.explore(last, evidence.register_place("edi"), "values")
    for chain in chains[:1]:
        for hop in chain.hops:
            if hop.transition is None:
                continue
            if evidence.place_of(hop.transition).is_own:
                source = chain.source
                moment = hop.transition
                made = source.transition if source and source.kind == "constant" else None
                if made is not None and evidence.place_of(made).is_own:
                    moment = made
                outcome.first_wrong = outcome.say(
                    "wrong", f"the status {end.status} is chosen", moment
                )
                return moment
    return None


def _failure(outcome: Outcome, last: int) -> None:
    evidence = outcome.evidence
    failed = evidence.last_failure(max(0, last - _REACH), last, evidence.thread_at(last))
    if failed is not None:
        call, words = failed
        if evidence.called_from_own(call.transition) is not None:
            outcome.say("cause", f"the last system call that failed: {words}", call.transition)


def _last_words(outcome: Outcome) -> str:
    from reven.end.explain import last_words

    words = last_words(outcome.evidence.trace())
    return words.splitlines()[-1] if words else ""
