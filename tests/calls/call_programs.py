# SPDX-License-Identifier: Apache-2.0
"""Deterministic programs whose calls the tests compare with what gdb sees."""

from __future__ import annotations

# Addresses are the same natively and recorded, and nothing is inlined or split.
FLAGS = (
    "-Wno-infinite-recursion",
    "-no-pie",
    "-g0",
    "-O2",
    "-fno-inline",
    "-fno-ipa-cp",
    "-fno-ipa-sra",
    "-fno-ipa-icf",
)

# Recursion, function pointers, tail calls, callbacks from the C library, longjmp.
CALLS = r"""
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define KEEP __attribute__((noinline, noclone))
#define BARRIER __asm__ volatile("" ::: "memory")

static jmp_buf out;
static volatile int sum;

KEEP void leaf(int n) { sum += n; }
KEEP int factorial(int n) {
    leaf(n);
    int rest = n < 2 ? 1 : factorial(n - 1);
    BARRIER;
    return n * rest;
}
KEEP int is_odd(int n);
KEEP int is_even(int n) { leaf(n); if (n == 0) return 1; return is_odd(n - 1); }
KEEP int is_odd(int n) { leaf(n); if (n == 0) return 0; return is_even(n - 1); }
KEEP void jumps_to_leaf(int n) { sum += 2; leaf(n); }
KEEP void jumps_by_pointer(void (*function)(int), int n) { sum += 3; function(n); }
KEEP int compare(const void *a, const void *b) {
    leaf(1);
    return *(const int *)a - *(const int *)b;
}
KEEP void deep(int n) {
    char room[200];
    room[n] = (char)n;
    __asm__ volatile("" : : "r"(room) : "memory");
    leaf(n);
    if (n == 0) longjmp(out, 1);
    deep(n - 1);
    BARRIER;
}
KEEP void tries(void) {
    if (setjmp(out) == 0) deep(5);
    leaf(100);
    BARRIER;
}
KEEP int with_room(int n) {
    char room[n];
    __asm__ volatile("" : : "r"(room) : "memory");
    leaf(n);
    return room[0] == 0;
}
KEEP void large(void) {
    char room[1 << 20];
    __asm__ volatile("" : : "r"(room) : "memory");
    leaf(7);
    BARRIER;
}
static void (*volatile table[2])(int) = {leaf, jumps_to_leaf};

int main(void) {
    int numbers[12] = {5, 3, 9, 1, 7, 7, 2, 8, 4, 6, 0, 11};
    factorial(5);
    is_even(6);
    for (int i = 0; i < 4; i++) table[i & 1](i);
    jumps_by_pointer(jumps_to_leaf, 3);
    qsort(numbers, 12, sizeof *numbers, compare);
    tries();
    with_room(100);
    with_room(5000);
    large();
    tries();
    printf("%d\n", sum);
    return 0;
}
"""

SIGNALS = r"""
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define KEEP __attribute__((noinline, noclone))
#define BARRIER __asm__ volatile("" ::: "memory")

static sigjmp_buf out;
static volatile int sum;
static volatile int *volatile nothing;

KEEP void leaf(int n) { sum += n; }
KEEP void handler(int number) { leaf(number); BARRIER; }
KEEP void handler_inside(int number) { leaf(number); raise(SIGUSR1); BARRIER; }
KEEP void leaves(int number) { leaf(number); siglongjmp(out, 1); }
KEEP void raises(int number, int depth) {
    if (depth > 0) raises(number, depth - 1);
    else { raise(number); leaf(1); }
    BARRIER;
}
KEEP void faults(int depth) {
    if (depth > 0) faults(depth - 1);
    else { leaf(2); sum += *nothing; }
    BARRIER;
}
KEEP void tries(void) {
    if (sigsetjmp(out, 1) == 0) faults(3);
    leaf(3);
    BARRIER;
}
KEEP void set(int number, void (*function)(int), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = function;
    action.sa_flags = flags;
    sigaction(number, &action, NULL);
}

int main(void) {
    stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536};
    set(SIGUSR1, handler, 0);
    set(SIGUSR2, handler_inside, 0);
    raises(SIGUSR1, 2);
    raises(SIGUSR2, 1);
    set(SIGSEGV, leaves, 0);
    tries();
    sigaltstack(&other, NULL);
    set(SIGUSR1, handler, SA_ONSTACK);
    set(SIGSEGV, leaves, SA_ONSTACK);
    raises(SIGUSR1, 1);
    tries();
    tries();
    raises(SIGUSR2, 1);
    leaf(4);
    return 0;
}
"""

EXCEPTIONS = r"""
#include <cstdio>
#include <stdexcept>

#define KEEP __attribute__((noinline, noclone))
#define BARRIER __asm__ volatile("" ::: "memory")

static volatile int sum;

KEEP void leaf(int n) { sum += n; }
struct Guard {
    int number;
    KEEP explicit Guard(int n) : number(n) { leaf(n); }
    KEEP ~Guard() { leaf(-number); BARRIER; }
};
struct Shape {
    virtual ~Shape() {}
    KEEP virtual int area(int n) { leaf(n); return 1; }
};
struct Square : Shape {
    KEEP int area(int n) override {
        leaf(2 * n);
        int base = Shape::area(n);
        BARRIER;
        return base + 1;
    }
};
KEEP void throws(int depth) {
    Guard guard(depth);
    if (depth == 0) throw std::runtime_error("stop");
    throws(depth - 1);
    BARRIER;
}
KEEP void throws_again() {
    Guard guard(50);
    try {
        throws(3);
    } catch (const std::exception &) {
        leaf(60);
        throw;
    }
}
KEEP void catches() {
    try {
        throws_again();
    } catch (const std::runtime_error &error) {
        leaf(70);
    }
    leaf(80);
    BARRIER;
}

int main() {
    catches();
    Square square;
    Shape *volatile shape = &square;
    shape->area(3);
    catches();
    std::printf("%d\n", sum);
    return 0;
}
"""

THREADS = r"""
#include <pthread.h>

#define KEEP __attribute__((noinline, noclone))
#define BARRIER __asm__ volatile("" ::: "memory")

static volatile int sum;

KEEP void leaf(int n) { sum += n; }
KEEP void nested(int n) { leaf(n); if (n > 0) nested(n - 1); BARRIER; }
KEEP void *work(void *argument) {
    nested((int)(long)argument);
    if (argument == (void *)2) pthread_exit(NULL);
    leaf(9);
    return NULL;
}

int main(void) {
    for (long i = 0; i < 3; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, work, (void *)i);
        pthread_join(thread, NULL);
        leaf(10);
    }
    return 0;
}
"""

COROUTINES = r"""
#include <stdlib.h>
#include <ucontext.h>

#define KEEP __attribute__((noinline, noclone))
#define BARRIER __asm__ volatile("" ::: "memory")

static ucontext_t home, one, two;
static volatile int sum;

KEEP void leaf(int n) { sum += n; }
KEEP void yield(ucontext_t *from, ucontext_t *to) {
    leaf(1);
    swapcontext(from, to);
    leaf(2);
    BARRIER;
}
KEEP void first(void) {
    for (int i = 0; i < 3; i++) { leaf(10); yield(&one, &two); }
    leaf(11);
}
KEEP void second(void) {
    for (int i = 0; i < 3; i++) { leaf(20); yield(&two, &home); yield(&two, &one); }
    leaf(21);
}
KEEP void make(ucontext_t *context, void (*function)(void), char *stack) {
    getcontext(context);
    context->uc_stack.ss_sp = stack;
    context->uc_stack.ss_size = 16384;
    context->uc_link = &home;
    makecontext(context, function, 0);
}
KEEP void resume(int depth) {
    if (depth > 0) resume(depth - 1);
    else yield(&home, &one);
    BARRIER;
}

int main(void) {
    char *stacks = malloc(3 * 16384);
    make(&one, first, stacks);
    make(&two, second, stacks + 16384);
    resume(2);
    leaf(30);
    yield(&home, &one);
    leaf(31);
    yield(&home, &one);
    leaf(32);
    make(&one, first, stacks);
    make(&two, second, stacks + 16384);
    yield(&home, &one);
    leaf(33);
    return 0;
}
"""

ALL = {
    "calls": (CALLS, "c", FLAGS),
    "lazily bound calls": (CALLS, "c", (*FLAGS, "-Wl,-z,lazy")),
    "signals": (SIGNALS, "c", FLAGS),
    "exceptions": (EXCEPTIONS, "cpp", FLAGS),
    "threads": (THREADS, "c", (*FLAGS, "-pthread")),
    "coroutines": (COROUTINES, "c", FLAGS),
}

# Does what its argument says: one letter, one step.
INTERPRETER_FLAGS = ("-no-pie", "-O2", "-fno-inline", "-Wno-clobbered", "-Wno-infinite-recursion")
INTERPRETER = r"""
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define KEEP __attribute__((noinline, noclone))

static const char *at;
static jmp_buf *current;

static void run(void);
static void (*volatile itself)(void) = run;
KEEP static void jumping_handler(int number) { (void)number; run(); }
KEEP static void jumps_on(void) { jumping_handler(0); }
KEEP static void jumped_to(void) { run(); __asm__ volatile(""); }
KEEP static int compare(const void *a, const void *b) { run(); return a < b ? -1 : 1; }
KEEP static void handler(int number) { run(); __asm__ volatile("" ::"r"(number)); }
KEEP static void with_room(int size) {
    char room[size];
    __asm__ volatile("" ::"r"(room) : "memory");
    run();
    __asm__ volatile("" ::"r"(room) : "memory");
}
KEEP static void tries(void) {
    jmp_buf here;
    jmp_buf *volatile outer = current;
    current = &here;
    if (setjmp(here) == 0) run();
    current = outer;
}
static void run(void) {
    for (;;) {
        switch (*at) {
            case 0: exit(0);
            case 'c': at++; run(); break;
            case 'w': at++; with_room(4000); break;
            case 't': at++; jumped_to(); return;
            case 'p': at++; itself(); return;
            case 'n': at++; jumps_on(); return;
            case 'u': at++; raise(SIGUSR2); break;
            case 's': at++; raise(SIGUSR1); break;
            case 'e': at++; tries(); break;
            case 'q': { at++; char two[2] = {1, 2}; qsort(two, 2, 1, compare); break; }
            case 'j': at++; if (current) longjmp(*current, 1); break;
            default: at++; return;
        }
    }
}

int main(int count, char **arguments) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = jumping_handler;
    sigaction(SIGUSR2, &action, NULL);
    at = count > 1 ? arguments[1] : "";
    run();
    return 0;
}
"""
