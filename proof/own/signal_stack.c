// SPDX-License-Identifier: Apache-2.0
// A stack overflow, handled on another stack, three times.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
static sigjmp_buf back;
static void handler(int n, siginfo_t *i, void *c) { (void)n, (void)i, (void)c; siglongjmp(back, 1); }
static int forever(int n) { volatile char page[512]; page[0] = (char)n; return forever(n + 1) + page[0]; }
int main(void) {
    stack_t s = {.ss_sp = malloc(65536), .ss_size = 65536}, old;
    sigaltstack(&s, NULL);
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    sigaction(SIGSEGV, &a, NULL);
    for (volatile int i = 0; i < 3; i++) if (!sigsetjmp(back, 1)) forever(0); else printf("back %d\n", i);
    sigaltstack(NULL, &old);
    printf("%d %d\n", old.ss_sp == s.ss_sp, old.ss_flags);
    return 0;
}
