// SPDX-License-Identifier: Apache-2.0
// Handlers that mend the fault by changing registers: rip, rax, xmm0.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
static void skip(int n, siginfo_t *info, void *context) {
    ucontext_t *c = context;
    c->uc_mcontext.gregs[REG_RIP] += 2;
    c->uc_mcontext.gregs[REG_RAX] = 0x1234;
    double half = 0.5;
    memcpy(&c->uc_mcontext.fpregs->_xmm[0], &half, 8);
}
int main(void) {
    struct sigaction action = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL);
    long value; double x = 7;
    for (int i = 0; i < 5; i++) {
        register double y __asm__("xmm0") = x;
        __asm__ volatile("ud2" : "=a"(value), "+x"(y));
        x = y;
        printf("%lx %g\n", value, x);
    }
    return 0;
}
