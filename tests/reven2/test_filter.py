# SPDX-License-Identifier: Apache-2.0
"""The parts of a trace that some processes spend at some privilege level."""

from __future__ import annotations

import reven2
from reven2.filter import RingPolicy
from reven2.ossi.process import Process


def test_a_programs_trace_is_one_range_in_ring_3(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    processes = list(bare.ossi.executed_processes())
    for ranges in (
        trace.filter(),
        trace.filter(processes),
        trace.filter(iter(processes), RingPolicy.R3Only),
        trace.filter(processes=processes, ring_policy=RingPolicy.All),
    ):
        (found,) = ranges
        assert (found.begin, found.end) == (trace.first_context, trace.last_context)
    assert list(trace.filter(processes, RingPolicy.R0Only)) == []
    assert list(trace.filter([Process("another", 1)])) == []
    assert list(trace.filter([])) == []


def test_a_range_is_its_contexts(bare: reven2.OpenTrace) -> None:
    trace = bare.trace
    found = next(trace.filter())
    assert next(iter(found)) == trace.first_context
    assert list(found) == list(trace.contexts())
    assert len(found) == trace.transition_count + 1
    assert trace.context_before(3) in found
    assert trace.transition(3) not in found
    last = trace.transition_count - 1
    assert str(found) == repr(found) == f"[Context before #0, Context after #{last}]"
    assert found._repr_html_() == (
        f"[Context before {trace.first_transition.format_as_html()}, "
        f"Context after {trace.last_transition.format_as_html()}]"
    )
