# SPDX-License-Identifier: Apache-2.0
"""Frames found by call frame information are those that the calls of the trace make."""

from __future__ import annotations

from typing import Any

import pytest

import reven2
from reven.service.local import LocalService

PROGRAM = r"""
#include <stdlib.h>
static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
__attribute__((noipa)) int leaf(int n) { volatile char room[100]; room[n] = 1; return room[n]; }
__attribute__((noipa)) int deep(int n, int a, int b, int c) {
    int kept = a * 3, more = b * 5;
    return n ? deep(n - 1, kept, more, c + leaf(n)) + kept : kept + more + c;
}
__attribute__((noipa)) int dynamic(int n) {
    char *room = __builtin_alloca(n * 16); room[0] = (char)n; return leaf(room[0]);
}
int main(void) {
    int numbers[] = {5, 2, 9, 1}; qsort(numbers, 4, sizeof *numbers, order);
    return (deep(4, 1, 2, 3) + dynamic(3)) * 0;
}
"""


@pytest.mark.parametrize("flags", [("-O0",), ("-O2",)])
def test_frames_are_those_of_the_calls(record_program: Any, flags: tuple[str, ...]) -> None:
    path = record_program(PROGRAM, *flags)
    with reven2.open(path) as server:
        symbol = next(iter(server.ossi.symbols("^main$", "program")))
        main = next(iter(server.trace.calls(symbol)))
        returned = main.return_transition
        assert returned is not None
        begin, end = main.first_context._id, returned.id
        service: Any = server.ossi._service
        assert isinstance(service, LocalService)
        for number in range(begin, end, (end - begin) // 20):
            context = server.trace._context(number)
            expected = [frame.pc for frame in context.stack.frames()]
            depth = next(
                level
                for level, frame in enumerate(context.stack.frames())
                if frame.function is not None and frame.function.name == "main"
            )
            for level in range(1, depth + 1):
                frame = service._frame(number, level)
                assert frame is not None, f"{context} has no frame {level}"
                assert frame.address + 1 == expected[level], f"frame {level} of {context}"


SIGNALS = r"""
#include <signal.h>
__attribute__((noipa)) void stop(void) {}
static void handler(int number) { int inside = number * 2; stop(); (void)inside; }
__attribute__((noipa)) int victim(int value) {
    int kept = value + 1; if (value > 3) raise(SIGUSR1); return kept;
}
int main(void) { signal(SIGUSR1, handler); return victim(5) * 0; }
"""


def test_frames_below_a_signal_handler(record_program: Any) -> None:
    with reven2.open(record_program(SIGNALS, "-O0")) as server:
        symbol = next(iter(server.ossi.symbols("^stop$", "program")))
        context = next(iter(server.trace.search.symbol(symbol)))
        found = {}
        for frame in context.stack.frames():
            if frame.function is not None:
                variables = context.variables(frame=frame)
                found[frame.function.name] = {one.name: one.text for one in variables}
        assert found["handler"] == {"number": "10", "inside": "20"}
        assert found["victim"] == {"value": "5", "kept": "6"}
