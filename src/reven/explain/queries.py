# SPDX-License-Identifier: Apache-2.0
"""`ExplainService`: what happened."""

from __future__ import annotations

import signal

from reven.explain.aborts import explain_abort
from reven.explain.evidence import Evidence, Service
from reven.explain.exits import explain_exit
from reven.explain.faults import explain_fault
from reven.explain.outcome import Outcome
from reven.explain.waits import explain_interrupted
from reven2._service.explain import ExplanationData, OutcomeKind

__all__ = ["ExplainQueries"]

_FAULTS = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
)
_OTHERS: dict[str, OutcomeKind] = {
    "exec": "replaced",
    "until": "cut",
    "limit": "cut",
    "recorder": "cut",
    "killed": "cut",
}


class ExplainQueries(Service):
    """See `reven2._service.explain`."""

    def explain(self, *, own: list[str], not_own: list[str]) -> ExplanationData:
        self._need_instructions("what happened cannot be explained")
        evidence = Evidence(self, self.own_code(own, not_own))
        end = self.end()
        if end is None:
            outcome = Outcome(evidence, None, "cut", "has no end that was recorded", None)
            return outcome.data()
        outcome = Outcome(evidence, end, "signal", end.sentence, end.transition)
        if end.reason != "signal":
            if end.reason == "exit":
                explain_exit(outcome)
            else:
                outcome.kind = _OTHERS.get(end.reason, "cut")
                if end.successor:
                    evidence.limit(f"What came after is in {end.successor}, beside this trace.")
            return outcome.data()
        outcome.headline = f"was killed by {end.signal_name}"
        is_fault = end.signal in _FAULTS and (end.instruction or end.access)
        if is_fault and not end.cause.startswith(("sent by", "raised by")):
            explain_fault(outcome)
        elif end.signal == signal.SIGABRT and end.cause.startswith("raised by"):
            explain_abort(outcome)
        else:
            explain_interrupted(outcome)
        return outcome.data()
