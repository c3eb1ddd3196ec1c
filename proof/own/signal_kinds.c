// SPDX-License-Identifier: Apache-2.0
// Each fault there is, mended by a handler that jumps out; what siginfo says.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static sigjmp_buf back;
static volatile int number, code;
static void *volatile where;
static void handler(int n, siginfo_t *info, void *c) { (void)c; number = n; code = info->si_code; where = info->si_addr; siglongjmp(back, 1); }
#define TRY(what, known) if (!sigsetjmp(back, 1)) { what; } else printf("%d %d %d\n", number, code, where == (void *)(known))
int main(void) {
    int all[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
    for (int i = 0; i < 5; i++) sigaction(all[i], &action, NULL);
    char *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int file = memfd_create("short", 0);
    char *beyond = mmap(NULL, 8192, PROT_READ, MAP_SHARED, file, 0);
    volatile int zero = 0;
    TRY(*(volatile int *)16 = 1, 16);
    TRY((void)*(volatile char *)(closed + 5), closed + 5);
    TRY(*(volatile char *)main = 1, main);
    TRY((void)*(volatile char *)beyond, beyond);
    TRY(__asm__ volatile("ud2"), where);
    TRY(number = 1 / zero, where);
    TRY(__asm__ volatile("int3"), where);
    TRY((void)*(volatile char *)0x8000000000000000, 0);
    TRY(((void (*)(void))closed)(), closed);
    TRY(__asm__ volatile("hlt"), 0);
    return 0;
}
