// SPDX-License-Identifier: Apache-2.0
// libraries: -lm
#define _GNU_SOURCE
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
static sigjmp_buf back;
static void on(int n, siginfo_t *i, void *c) { printf("%d %d\n", n, i->si_code); siglongjmp(back, 1); }
int main(void) { struct sigaction a = {.sa_sigaction = on, .sa_flags = SA_SIGINFO | SA_NODEFER}; sigaction(SIGFPE, &a, NULL); volatile double z = 0, o = 1, h = 1e308, r; feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW); if (!sigsetjmp(back, 1)) r = o / z; if (!sigsetjmp(back, 1)) r = z / z; if (!sigsetjmp(back, 1)) r = h * 10; if (!sigsetjmp(back, 1)) { r = o / 3; puts("inexact passes"); } return 0; }
