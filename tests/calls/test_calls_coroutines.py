# SPDX-License-Identifier: Apache-2.0
"""Stacks that a program makes and changes between by itself, as coroutine libraries do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reven._engine import Trace
from reven.service.local import LocalService

# Saves the registers on the stack, takes the other stack, and goes on where that stopped: by
# `ret`, or by a jump as others do. The stacks lie side by side.
SOURCE = r"""
#include <stdlib.h>

#define KEEP __attribute__((noinline, noclone))
#define BARRIER __asm__ volatile("" ::: "memory")
#define COROUTINES 5

void change(void **from, void *to);
__asm__(
    ".globl change\n"
    ".type change, @function\n"
    "change:\n"
    "    push %rbp\n    push %rbx\n    push %r12\n    push %r13\n    push %r14\n    push %r15\n"
    "    mov %rsp, (%rdi)\n"
    "    mov %rsi, %rsp\n"
    "    pop %r15\n    pop %r14\n    pop %r13\n    pop %r12\n    pop %rbx\n    pop %rbp\n"
    LEAVE
    ".size change, . - change\n");

static void *waiting[COROUTINES + 1];
static volatile int sum;
static int now;

KEEP void leaf(int coroutine, int depth) { sum += coroutine + depth; }
KEEP void yield(int to) {
    int from = now;
    now = to;
    change(&waiting[from], waiting[to]);
    BARRIER;
}
KEEP void nested(int coroutine, int depth, int to) {
    leaf(coroutine, depth);
    if (depth > 0) nested(coroutine, depth - 1, to);
    else yield(to);
    leaf(coroutine, depth);
    BARRIER;
}
KEEP void body(void) {
    int coroutine = now;
    for (int i = 0;; i++) {
        int to = (coroutine * 3 + i) % (COROUTINES + 1);
        nested(coroutine, (coroutine + i) % 4, to == coroutine ? 0 : to);
    }
}

int main(void) {
    void **stacks = malloc(COROUTINES * 8192);
    for (int i = 1; i <= COROUTINES; i++) {
        void **top = stacks + i * 1024 - 2;
        top[0] = NULL;
        top[-1] = (void *)body;
        waiting[i] = top - 7;
    }
    for (int i = 0; i < 40; i++) nested(0, i % 3, i % COROUTINES + 1);
    return 0;
}
"""
LEAVES = {"ret": '"    ret\\n"', "jmp": '"    pop %rdx\\n    jmp *%rdx\\n"'}
RSI = slice(48, 56)
RDI = slice(56, 64)


@pytest.mark.parametrize("leave", LEAVES)
def test_every_coroutine_keeps_its_frames(
    leave: str, compile_program: Callable[..., Path], record_command: Callable[..., Path]
) -> None:
    source = SOURCE.replace("LEAVE", LEAVES[leave])
    program = compile_program(source, "-O1", "-fno-optimize-sibling-calls", "-static")
    path = record_command([program])
    service = LocalService(path)
    trace = Trace(str(path))
    try:
        count = service.transition_count()

        def name(address: int) -> str:
            place = service.locate(count, address)
            return place.symbol.name if place and place.symbol else "?"

        calls = service.calls(
            0, count, thread=None, shortest=0, deepest=1 << 20, first=0, limit=1 << 20
        ).calls
        leaves = [call for call in calls if name(call.function) == "leaf"]
        assert len(leaves) > 300
        # Between a coroutine's two leaves of one depth, others ran.
        assert {call.kind for call in leaves} == {"call"}
        numbers = set()
        for leaf in leaves:
            _, view = trace.registers(leaf.first_context)
            coroutine = int.from_bytes(view[RDI], "little") & 0xFFFFFFFF
            depth = int.from_bytes(view[RSI], "little") & 0xFFFFFFFF
            numbers.add(coroutine)
            frames = service.frames(leaf.first_context)
            functions = [name(frame.function or 0) for frame in frames]
            begin = functions.index("main" if coroutine == 0 else "body")
            assert functions[0] == "leaf"
            assert set(functions[1:begin]) == {"nested"}
            if coroutine != 0:
                assert frames[-1].type == "Manual"
                assert begin == len(frames) - 1
            # The frames are those of as many levels as the coroutine is deep.
            levels = [service.frames(leaf.first_context)[i] for i in range(1, begin)]
            deepest = {name_of_depth(trace, level.first_context) for level in levels}
            assert deepest == set(range(depth, depth + len(levels)))
        assert numbers == set(range(6))
    finally:
        service.close()


def name_of_depth(trace: Trace, first_context: int) -> int:
    """The depth that `nested` was called with."""
    _, view = trace.registers(first_context)
    return int.from_bytes(view[RSI], "little") & 0xFFFFFFFF
