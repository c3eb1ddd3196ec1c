# SPDX-License-Identifier: Apache-2.0
"""Steps are inverse to each other, with threads and signals too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reven._engine import KIND_SWITCH, Trace
from reven.service.local import LocalService

from .call_programs import ALL


@pytest.mark.parametrize("name", ["calls", "signals", "exceptions", "threads"])
def test_a_step_back_undoes_a_step(
    name: str, compile_program: Callable[..., Path], record_command: Callable[..., Path]
) -> None:
    source, language, flags = ALL[name]
    path = record_command([compile_program(source, *flags, language=language)])
    service = LocalService(path)
    try:
        count = service.transition_count()
        columns = Trace(str(path)).transitions(0, count)
        threads = columns.thread.tolist()
        switches = columns.kind == KIND_SWITCH
        calls = service.calls(
            0, count, thread=None, shortest=0, deepest=1 << 20, first=0, limit=1 << 20
        ).calls
        lasts = [count if call.end_transition is None else call.end_transition for call in calls]
        for number in np.random.default_rng(3).integers(0, count, 3000).tolist():
            following = service.step(number, forward=True, over=False)
            if switches[number]:
                continue
            if following is None:
                assert threads[number] not in threads[number + 2 :]
                continue
            assert threads[following] == threads[number]
            assert not switches[following]
            assert service.step(following, forward=False, over=False) == number
            over = service.step(number, forward=True, over=True)
            top = service.call_at(number)
            assert top is not None
            if over is not None:
                assert over >= following
                assert threads[over] == threads[number]
            # From a function's end a step goes to another one.
            if over is not None and lasts[top.id] >= over:
                assert service.step(over, forward=False, over=True) == number
    finally:
        service.close()
