# SPDX-License-Identifier: Apache-2.0
"""Code that changes runs as it does natively, and the trace shows the code that ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from reven import _engine
from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import RunBothWays

START = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
typedef int (*function)(void);
/* mov eax, 1; ret */
static unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xc3};
__attribute__((noinline, aligned(4096))) int target(void) { __asm__ volatile(""); return 1; }
__attribute__((noinline, aligned(4096))) int other(void) { __asm__ volatile(""); return 50; }
static volatile function call = target;
static void allow(int protection) { mprotect((void *)target, 4096, protection); }
static void put(void *to, int value) { code[1] = value; memcpy(to, code, sizeof code); }
static void show(int value) { printf("%d\\n", value); fflush(stdout); }
"""

PROGRAMS = {
    "text patched in place": """
        show(call());
        allow(7);
        for (int i = 2; i < 6; i++) { put((void *)target, i); show(call()); }
    """,
    "text that is writable only while it is patched": """
        show(call());
        for (int i = 2; i < 6; i++) {
            allow(3); put((void *)target, i); allow(5);
            show(call());
        }
    """,
    "an inline hook": """
        show(call());
        allow(7);
        unsigned char *at = (unsigned char *)target;
        int32_t distance = (unsigned char *)other - at - 5;
        at[0] = 0xe9; memcpy(at + 1, &distance, 4);
        allow(5);
        show(call());
    """,
    "a system call that writes the text": """
        int pipes[2];
        show(call());
        allow(7);
        code[1] = 8;
        if (pipe(pipes) || write(pipes[1], code, 6) != 6) return 1;
        if (read(pipes[0], (void *)target, 6) != 6) return 1;
        show(call());
    """,
    "code written through a second mapping": """
        int file = memfd_create("code", 0);
        if (ftruncate(file, 4096)) return 1;
        unsigned char *w = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        function f = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
        for (int i = 0; i < 10; i++) { put(w, i); show(f()); }
    """,
    "code written to the file that it is mapped from": """
        int file = open("code.bin", O_RDWR | O_CREAT | O_TRUNC, 0700);
        if (pwrite(file, code, 6, 0) != 6 || ftruncate(file, 4096)) return 1;
        function f = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
        for (int i = 0; i < 3; i++) {
            code[1] = i;
            if (pwrite(file, code, 6, 0) != 6) return 1;
            show(f());
        }
    """,
    "a file opened to write after its code has run": """
        int file = open("code.bin", O_RDWR | O_CREAT | O_TRUNC, 0700), again;
        if (pwrite(file, code, 6, 0) != 6 || ftruncate(file, 4096)) return 1;
        close(file);
        file = open("code.bin", O_RDONLY);
        function f = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
        show(f());
        again = open("code.bin", O_WRONLY);
        code[1] = 9;
        if (write(again, code, 6) != 6) return 1;
        show(f());
    """,
    "text written through /proc/self/mem": """
        int file = open("/proc/self/mem", O_RDWR);
        show(call());
        code[1] = 3;
        if (pwrite(file, code, 6, (off_t)(uintptr_t)target) != 6) return 1;
        show(call());
    """,
    "text written by process_vm_writev": """
        struct iovec from = {code, 6}, to = {(void *)target, 6};
        show(call());
        allow(7);
        code[1] = 4;
        if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) != 6) return 1;
        show(call());
    """,
    "anonymous memory written again and again": """
        unsigned char *p = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (int i = 0; i < 100; i++) { put(p, i); show(((function)p)()); }
    """,
    "a store into the running block": """
        unsigned char *p = mmap(0, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        /* mov byte [rip + 1], 42; mov eax, 7; ret */
        unsigned char stores[] = {0xc6, 0x05, 1, 0, 0, 0, 42, 0xb8, 7, 0, 0, 0, 0xc3};
        memcpy(p, stores, sizeof stores);
        show(((function)p)());
        /* lock cmpxchg [rip + 2], cl; nop; mov al, 5; ret, with al = 5 and cl = 6 before */
        unsigned char swaps[] = {0xb0, 5, 0xb1, 6, 0xf0, 0x0f, 0xb0, 0x0d, 2, 0, 0, 0,
                                 0x90, 0xb0, 5, 0x0f, 0xb6, 0xc0, 0xc3};
        memcpy(p + 64, swaps, sizeof swaps);
        show(((function)(p + 64))());
        /* lea rcx, [rip + 6]; mov word [rcx], 0x9b0; nop; mov al, 5; movzx eax, al; ret */
        unsigned char words[] = {0x48, 0x8d, 0x0d, 6, 0, 0, 0, 0x66, 0xc7, 0x01, 0xb0, 9,
                                  0x90, 0xb0, 5, 0x0f, 0xb6, 0xc0, 0xc3};
        memcpy(p + 128, words, sizeof words);
        show(((function)(p + 128))());
    """,
    "code on the stack that is overwritten by the stack": """
        _Alignas(64) unsigned char own[64];
        if (mprotect((void *)((uintptr_t)own & ~4095ul), 4096, 7)) return 1;
        put(own, 3); show(((function)own)());
        put(own, 4); show(((function)own)());
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_code_that_changes_runs_as_it_does_natively(
    name: str, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    source = f"{START}int main(void) {{ {PROGRAMS[name]} return 0; }}"
    flags = ("-Wno-error", "-fcf-protection=none")
    both = run_both_ways([compile_program(source, *flags)])
    assert len(set(both.native.stdout.split())) > 1
    both.assert_same()


def test_the_code_that_is_shown_is_the_code_that_ran(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    source = f"{START}int main(void) {{ {PROGRAMS['text patched in place']} return 0; }}"
    both = run_both_ways([compile_program(source, "-Wno-error")])
    assert executed_constants(both.trace) >= {2, 3, 4, 5}


def executed_constants(trace: Path) -> set[int]:
    """Of `mov eax, constant` at the beginning of a page: those of the target function."""
    opened = _engine.Trace(str(trace))
    columns = opened.transitions(0, opened.transition_count)
    return {
        int(code[1])
        for address, code in zip(columns.pc, columns.code, strict=True)
        if address % 4096 == 0 and code[0] == 0xB8
    }


def test_check_compares_the_code_with_memory(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    both = run_both_ways([compile_program("int main(void) { return 0; }")])
    assert both.checked.blocks > 1000
    assert both.checked.bad_blocks == 0
