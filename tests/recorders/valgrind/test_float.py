# SPDX-License-Identifier: Apache-2.0
"""Floating-point arithmetic under any SSE control register is the processor's; what is not,
is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import CompileProgram
from tests.recorders.valgrind.conftest import RunBothWays

START = """
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <immintrin.h>
static volatile double x = 3, y = 7, tenth = 0.1, zero, tiny = 1e-310, huge = 1e308;
static volatile float f = 1, g = 3;
static sigjmp_buf back;
static void trap(int number, siginfo_t *info, void *context) { siglongjmp(back, info->si_code); }
static void show(void) {
    __m128d pair = _mm_set_pd(x, tenth), other = _mm_set_pd(y, x);
    double lanes[2];
    _mm_storeu_pd(lanes, _mm_div_pd(pair, other));
    printf("%a %a %a %a %a %a %a %a %ld %d\\n", x / y, tenth * tenth, tenth + 1e17, tenth - 1e17,
           sqrt(x), (double)(f / g), lanes[0], lanes[1], lrint(tenth + 2.4),
           fetestexcept(FE_ALL_EXCEPT & ~FE_INEXACT));
}
static void *thread(void *argument) { show(); fesetround(FE_UPWARD); show(); return argument; }
"""

PROGRAMS = {
    "rounding": """
        int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO, FE_TONEAREST};
        for (int i = 0; i < 5; i++) { fesetround(modes[i]); show(); }
    """,
    "rounding that changes between two equal divisions": """
        double low, high;
        unsigned down = 0x3f80, up = 0x5f80;
        for (int i = 0; i < 3; i++) {
            __asm__ volatile("ldmxcsr %2; movapd %4, %%xmm1; divsd %5, %%xmm1; movapd %%xmm1, %0;"
                "ldmxcsr %3; movapd %4, %%xmm1; divsd %5, %%xmm1; movapd %%xmm1, %1"
                : "=&x"(low), "=&x"(high) : "m"(down), "m"(up), "x"((double)x), "x"((double)y)
                : "xmm1");
            printf("%a %a\\n", low, high);
        }
    """,
    "exception flags": """
        double r;
        r = x / zero; printf("%d ", !!fetestexcept(FE_DIVBYZERO));
        feclearexcept(FE_ALL_EXCEPT); printf("%d ", fetestexcept(FE_ALL_EXCEPT));
        r = x / y; printf("%d ", fetestexcept(FE_ALL_EXCEPT));
        feclearexcept(FE_ALL_EXCEPT); r = zero / zero; printf("%d ", fetestexcept(FE_ALL_EXCEPT));
        feclearexcept(FE_ALL_EXCEPT); r = huge * huge; printf("%d ", fetestexcept(FE_ALL_EXCEPT));
        feclearexcept(FE_ALL_EXCEPT); r = x + x; printf("%d\\n", fetestexcept(FE_ALL_EXCEPT));
        (void)r;
    """,
    "flushing to zero": """
        _mm_setcsr(_mm_getcsr() | 0x8000); printf("%g ", 1e-300 * x * 1e-10 * tenth);
        _mm_setcsr((_mm_getcsr() & ~0x8000) | 0x40); printf("%g ", tiny * 0.5 + tiny);
        _mm_setcsr(0x1f80); printf("%g\\n", tiny * 0.5 + tiny);
    """,
    "exceptions that trap": """
        struct sigaction action = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO};
        sigaction(SIGFPE, &action, 0);
        for (int i = 0; i < 3; i++) {
            volatile double r = 5;
            feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW);
            int code = sigsetjmp(back, 1);
            if (code == 0) r = i == 0 ? x / zero : i == 1 ? zero / zero : huge * huge;
            printf("%d %g %d\\n", code, r, fegetexcept());
        }
    """,
    "a control register for each thread": """
        pthread_t other;
        fesetround(FE_DOWNWARD);
        pthread_create(&other, 0, thread, 0);
        pthread_join(other, 0);
        show();
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_arithmetic_follows_the_control_register(
    name: str, compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    source = f"{START}int main(void) {{ {PROGRAMS[name]} return 0; }}"
    both = run_both_ways(
        [compile_program(source, "-Wno-error", "-frounding-math", "-fno-builtin", "-lm")]
    )
    both.assert_same()


def kinds(trace: Path) -> list[tuple[int, int]]:
    notices = json.loads((trace / "manifest.json").read_text()).get("notices", [])
    return [(notice["kind"], notice["detail"]) for notice in notices]


def test_an_ordinary_program_gets_no_notice(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    source = START + 'int main(void) { printf("%f %ld\\n", x / y, (long)(x * 2.5)); return 0; }'
    both = run_both_ways([compile_program(source, "-Wno-error", "-lm")])
    both.assert_same()
    assert kinds(both.trace) == []


def test_x87_arithmetic_is_said(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    source = "int main(void) { volatile long double x = 3; x = x / 7; return x > 1; }"
    both = run_both_ways([compile_program(source)])
    assert kinds(both.trace) == [(3, 0)]


def test_fused_arithmetic_under_another_rounding_is_said(
    compile_program: CompileProgram, run_both_ways: RunBothWays
) -> None:
    source = START + "int main(void) { fesetround(FE_UPWARD); return fma(x, y, tenth) < 0; }"
    both = run_both_ways([compile_program(source, "-Wno-error", "-mfma", "-O2", "-lm")])
    assert (2, 1) in kinds(both.trace)
