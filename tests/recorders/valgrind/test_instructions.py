# SPDX-License-Identifier: Apache-2.0
"""What the recorder executes is what the processor that it shows announces, and more; what it
does not execute is said."""

from __future__ import annotations

from pathlib import Path

import pytest

import reven2
from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import RunBothWays

PROGRAMS = Path(__file__).parent / "programs"
FLAGS = ("-Wno-error", "-w", "-mno-avx512f", "-mavx2", "-D_GNU_SOURCE")

# What instructions.c has of newer processors, as /proc/cpuinfo names it.
NEW = {"sha_ni", "gfni", "vaes", "vpclmulqdq", "avx_vnni", "sse4a", "fsgsbase", "clwb"}

KINDS = """
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
static sigjmp_buf back;
static void show(int number, siginfo_t *info, void *context) {
    printf("%d %d\\n", number, info->si_code);
    siglongjmp(back, 1);
}
int main(void) {
    struct sigaction action = {.sa_sigaction = show, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, 0);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGTRAP, &action, 0);
    if (!sigsetjmp(back, 1)) __asm__ volatile("ud2");
    if (!sigsetjmp(back, 1)) __asm__ volatile("hlt");
    if (!sigsetjmp(back, 1)) __asm__ volatile("int3");
    if (!sigsetjmp(back, 1)) __asm__ volatile("in %dx, %al");
    if (!sigsetjmp(back, 1)) __asm__ volatile("mov %cr0, %rax");
    if (!sigsetjmp(back, 1)) *(volatile char *)0x8000000000000000 = 0;
    return 0;
}
"""

FRAME = """
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
static void mend(int number, siginfo_t *info, void *context) {
    mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
    long *lane = (long *)&machine->fpregs->_xmm[5];
    printf("%lx %x\\n", *lane, machine->fpregs->mxcsr);
    *lane = 0x77;
    machine->gregs[REG_RIP] += 2;
}
int main(void) {
    struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
    long before = 0x55, after, flags;
    sigaction(SIGILL, &action, 0);
    __asm__ volatile("movq %1, %%xmm5; ud2; movq %%xmm5, %0"
                     : "=r"(after) : "r"(before) : "xmm5", "memory");
    __asm__ volatile("xor %%eax, %%eax; pushf; pop %0" : "=r"(flags) : : "rax", "cc");
    printf("%lx %lx\\n", after, flags);
    return 0;
}
"""

RAISED = """
#include <fenv.h>
int main(void) {
    fenv_t environment;
    __asm__ volatile("fnstenv %0" : "=m"(environment));
    environment.__status_word |= RAISE;
    __asm__ volatile("fldenv %0" : : "m"(environment));
    return 0;
}
"""


def _flags_of_processor() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split())
    return set()


def test_what_the_processor_announces_is_executed(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    program = compile_program((PROGRAMS / "announced.c").read_text(), *FLAGS)
    both = run_both_ways([program])
    assert both.recorded.stdout == "0 wrong\n"
    both.assert_same()


@pytest.mark.skipif(
    not _flags_of_processor() >= NEW, reason="the processor has not all of the instructions"
)
def test_instructions_that_valgrind_does_not_know_give_what_they_give(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    program = compile_program((PROGRAMS / "instructions.c").read_text(), *FLAGS)
    run_both_ways([program]).assert_same()


def test_a_handled_signal_that_is_the_recorders_doing_is_said(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    program = compile_program((PROGRAMS / "announced.c").read_text(), *FLAGS)
    both = run_both_ways([program, "all"])
    assert "avx512f hidden not executed" in both.recorded.stdout
    with reven2.open(both.trace) as server:
        said = "\n".join(server.trace.notices)
    assert "AVX-512 (vaddps zmm0, zmm0, zmm0)" in said
    assert "-mno-avx512f" in said


def test_signals_of_instructions_are_the_kernels(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    both = run_both_ways([compile_program(KINDS, "-Wno-error")])
    both.assert_same()
    with reven2.open(both.trace) as server:
        assert not list(server.trace.notices)


def test_a_handler_sees_and_changes_vector_registers_and_flags_are_whole(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    run_both_ways([compile_program(FRAME, "-Wno-error")]).assert_same()


@pytest.mark.parametrize("raised", [0, 8])
def test_lost_exception_flags_of_x87_are_said(
    raised: int, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    both = run_both_ways([compile_program(RAISED, f"-DRAISE={raised}")])
    with reven2.open(both.trace) as server:
        said = "\n".join(server.trace.notices)
    assert ("exception flags of the x87 unit" in said) == (raised != 0)
