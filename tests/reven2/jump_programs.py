# SPDX-License-Identifier: Apache-2.0
"""Programs whose functions end by jumping to others, and ways to build them."""

from __future__ import annotations

TAIL = r"""
#include <stdlib.h>
__attribute__((noinline)) void *take(size_t size) { return malloc(size); }
__attribute__((noinline)) void give(void *block) { free(block); }
int main(void) {
    char *one = take(20);
    char *two = take(32);
    *(volatile char *)one = 1;
    give(two);
    give(one);
    return 0;
}
"""

LINKED = {
    "bound lazily": ("-O2", "-fcf-protection=none", "-Wl,-z,lazy"),
    "bound at once": ("-O2", "-fcf-protection=none", "-Wl,-z,now"),
    "without PLT": ("-O2", "-fno-plt"),
    "PLT for CET": ("-O2", "-fcf-protection=full", "-Wl,-z,lazy", "-Wl,-z,ibtplt"),
    "not PIE": ("-O2", "-no-pie"),
    "static": ("-O2", "-static"),
    "stripped": ("-O2", "-s"),
}

DELETE = r"""
int main() {
    char *one = new char[20];
    char *two = new char[32];
    one[0] = two[0] = 1;
    delete[] two;
    delete[] one;
    return 0;
}
"""

# Functions that only jumps reach, some of them their own.
CHAIN = r"""
#include <stdlib.h>
#define KEEP __attribute__((noinline, noclone))
static volatile long sum;
static long even(long n);
static long odd(long n);
static long (*volatile next[2])(long) = {even, odd};
KEEP static long last(long n) { sum += n; return sum; }
KEEP static long leaf(long n) { sum += n; return n; }
KEEP static long odd(long n) {
    if (n % 7 == 0) leaf(n);
    if (n == 0) return last(100);
    return next[0](n - 1);
}
KEEP static long even(long n) {
    if (n == 0) return last(200);
    return next[1](n - 1);
}
static long (*volatile begin)(long) = even;
int main(int count, char **arguments) {
    long result = begin(count > 1 ? atol(arguments[1]) : 5);
    return result > 0 ? 0 : 1;
}
"""

LEAVES = r"""
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#define KEEP __attribute__((noinline, noclone))
static volatile int sum;
static jmp_buf out;
KEEP void leaf(int n) { sum += n; }
KEEP void jumped_out(int n) { sum += n; if (n) longjmp(out, 1); }
KEEP void jumps_out(int n) { sum++; jumped_out(n); }
KEEP void handled(int n) { leaf(n); sum++; }
KEEP void handler(int n) { sum++; handled(n); }
KEEP void work_on(long n) { for (long i = 0; i < n; i++) leaf(1); sum++; }
KEEP void *work(void *n) { sum++; work_on((long)n); return NULL; }
KEEP void jumps_to_work(long n) { sum++; work_on(n); }
static void *begin(void *n) { for (int i = 0; i < 30; i++) jumps_to_work((long)n); return n; }
int main(void) {
    stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction action;
    pthread_t threads[3];
    if (setjmp(out) == 0) jumps_out(3);
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigaltstack(&other, NULL);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2);
    for (long i = 0; i < 3; i++) pthread_create(&threads[i], NULL, begin, (void *)(i + 1));
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    return 0;
}
"""

INSIDE = r"""
#include <stdlib.h>
static volatile int sum;
__attribute__((noinline)) void mark(void) { sum++; }
__attribute__((noinline)) void give(void *block) { mark(); free(block); }
int main(void) {
    give(malloc(20));
    sum++;
    return 0;
}
"""
