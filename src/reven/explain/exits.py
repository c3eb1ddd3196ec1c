# SPDX-License-Identifier: Apache-2.0
"""Explains exits: the last decision that led to a status other than 0."""

from __future__ import annotations

from reven.explain.decision import explain_decision
from reven.explain.outcome import Outcome

__all__ = ["explain_exit"]

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
        outcome.headline = "exited with status 0: nothing went wrong that the end shows"
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
