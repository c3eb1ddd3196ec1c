// SPDX-License-Identifier: Apache-2.0
// said: trap flag
// Single-stepping itself by the trap flag, as protectors of programs do.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>
static volatile int steps;
static void step(int n, siginfo_t *i, void *c) { steps++; }
int main(void) {
    struct sigaction a = {.sa_sigaction = step, .sa_flags = SA_SIGINFO}; sigaction(SIGTRAP, &a, NULL);
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop; nop; pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    printf("%d\n", steps); return 0;
}
