# SPDX-License-Identifier: Apache-2.0
"""docs/proof.md: what was found of every program."""

from __future__ import annotations

from collections.abc import Sequence

from proof.run import Result


def page(results: Sequence[Result]) -> str:
    return "\n".join(r.name for r in results)
