# SPDX-License-Identifier: Apache-2.0
"""The names of the older, lower-level module that public scripts still import beside `reven2`.

They are thin names over `reven2`, for scripts that exist. What they do, new scripts do with
`Transition.find_inverse`, `Context.find_register_change` and `Trace.search.binary`.

========================  =====================================================================
`execution_point(n)`      a transition by number: `valid()`, `sequence_identifier`
`criterion()`             what `trace._rvn.run_search_sequences` looks for, with
                          `criterion_type`, `criterion_accuracy`, `criterion_effect`
`search_request()`        the criteria, and how much is wanted
========================  =====================================================================

What recorded and started projects in it (`launcher_connection`, `project_id`, …) belonged to
a server of virtual machines: use `reven record` instead.
"""

from __future__ import annotations

from reven2._client.low_level import (
    criterion,
    criterion_accuracy,
    criterion_effect,
    criterion_type,
    execution_point,
    search_range,
    search_request,
    search_results,
)

__all__ = [
    "criterion",
    "criterion_accuracy",
    "criterion_effect",
    "criterion_type",
    "execution_point",
    "search_range",
    "search_request",
    "search_results",
]


def __getattr__(name: str) -> object:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise AttributeError(
        f"reven_api has no {name!r} here: it only has what public scripts use beside reven2 "
        f"({', '.join(__all__)}); use reven2 instead."
    )
