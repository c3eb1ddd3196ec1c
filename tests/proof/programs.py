# SPDX-License-Identifier: Apache-2.0
"""C programs that are hard to record."""

from __future__ import annotations

THREADS = r"""
// Threads that contend for a mutex and for atomics, a timer signal with a handler, thread
// local storage, memory that comes and goes.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

static void *anonymous(size_t size, int protection) {
    return mmap(0, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all_here;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static _Atomic long shared;
static long guarded;
static int done;
static _Thread_local long own[8];
static volatile sig_atomic_t ticks;

static void on_tick(int signal) { (void)signal; ticks++; }

static void *work(void *argument) {
    long seed = (long)argument;
    pthread_barrier_wait(&all_here);
    for (int i = 0; i < 400; i++) {
        own[i & 7] += seed * i;
        atomic_fetch_add(&shared, own[i & 7]);
        pthread_mutex_lock(&lock);
        guarded += i;
        pthread_mutex_unlock(&lock);
        size_t size = 64 + (size_t)((i * seed) % 5000);
        char *block = malloc(size);
        memset(block, i, size);
        guarded ^= block[size / 2];
        free(block);
        if (i % 100 == 0) {
            char *pages = anonymous(1 << 16, PROT_READ | PROT_WRITE);
            pages[5000] = 7;
            pages = mremap(pages, 1 << 16, 1 << 20, MREMAP_MAYMOVE);
            pages[900000] = (char)(pages[5000] + 1);
            munmap(pages, 1 << 20);
        }
    }
    pthread_mutex_lock(&lock);
    done++;
    pthread_cond_signal(&turn);
    pthread_mutex_unlock(&lock);
    return 0;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_tick};
    sigaction(SIGALRM, &action, 0);
    struct itimerval every = {{0, 2000}, {0, 2000}};
    setitimer(ITIMER_REAL, &every, 0);
    pthread_t threads[4];
    pthread_barrier_init(&all_here, 0, 4);
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, work, (void *)(i + 1));
    pthread_mutex_lock(&lock);
    while (done < 4) pthread_cond_wait(&turn, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
    for (volatile long i = 0; ticks < 3; i++) {}
    return 0;
}
"""

THREADS_IN_TURN = r"""
// Each thread ends before the next one starts.
#include <pthread.h>
static int sum;
static void *work(void *argument) { sum += (int)(long)argument; return 0; }
int main(void) {
    for (long i = 0; i < 5; i++) {
        pthread_t thread;
        pthread_create(&thread, 0, work, (void *)i);
        pthread_join(thread, 0);
    }
    return sum != 10;
}
"""

JIT = r"""
// A compiler in small: emits a function for every constant, at one and the same place,
// and runs it; sometimes through a second mapping, sometimes behind mprotect.
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

typedef uint32_t (*function)(uint32_t);

static size_t emit(uint8_t *at, uint32_t add, int rounds) {
    uint8_t *p = at;
    *p++ = 0x89, *p++ = 0xf8; /* mov eax, edi */
    for (int i = 0; i < rounds; i++) {
        *p++ = 0x05, memcpy(p, &add, 4), p += 4; /* add eax, imm32 */
        *p++ = 0xd1, *p++ = 0xc0;                /* rol eax, 1 */
    }
    *p++ = 0xc3; /* ret */
    return (size_t)(p - at);
}

int main(void) {
    int open = PROT_READ | PROT_WRITE | PROT_EXEC, private = MAP_PRIVATE | MAP_ANONYMOUS;
    uint8_t *code = mmap(0, 8192, open, private, -1, 0);
    uint8_t *guarded = mmap(0, 4096, PROT_READ | PROT_WRITE, private, -1, 0);
    uint32_t expected = 0, found = 0;
    for (uint32_t i = 1; i < 300; i++) {
        uint8_t *at = code + 40 * (i % 3); /* overlapping what was there */
        int rounds = 1 + (int)(i % 9);
        emit(at, i * 2654435761u, rounds);
        found = ((function)(uintptr_t)at)(found);
        for (int round = 0; round < rounds; round++) {
            expected += i * 2654435761u;
            expected = expected << 1 | expected >> 31;
        }
        if (i % 50 == 0) {
            mprotect(guarded, 4096, PROT_READ | PROT_WRITE);
            emit(guarded, i, 2);
            mprotect(guarded, 4096, PROT_READ | PROT_EXEC);
            ((function)(uintptr_t)guarded)(i);
        }
    }
    return found != expected;
}
"""

SELF_MODIFYING = r"""
// Changes the operand of an instruction that it executes next, in one and the same loop.
#include <stdint.h>
#include <sys/mman.h>

int main(void) {
    int open = PROT_READ | PROT_WRITE | PROT_EXEC;
    uint8_t *code = mmap(0, 4096, open, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static const uint8_t bytes[] = {
        0x31, 0xc0,                         /* xor eax, eax */
        0xb9, 200, 0, 0, 0,                 /* mov ecx, 200 */
        0xfe, 0x05, 1, 0, 0, 0,             /* loop: inc byte ptr [rip+1] */
        0x05, 0, 0, 0, 0,                   /* add eax, 0 (changed) */
        0xff, 0xc9,                         /* dec ecx */
        0x75, 0xf1,                         /* jne loop */
        0xc3};
    for (unsigned i = 0; i < sizeof bytes; i++) code[i] = bytes[i];
    int sum = ((int (*)(void))(uintptr_t)code)();
    return sum != 200 * 201 / 2;
}
"""

CRASH = r"""
#include <stdlib.h>
#include <string.h>

struct node { struct node *next; char name[16]; };

int main(void) {
    struct node *first = calloc(1, sizeof *first), *second = calloc(1, sizeof *second);
    first->next = second;
    memset(first->name, 'A', 40); /* runs into the next block */
    for (struct node *at = first; at; at = at->next) at->name[0] ^= 1;
    return 0;
}
"""

SIGNALS = r"""
// Faults that a handler mends, nested signals on a stack of their own, and a longjmp out.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static char *page;
static volatile int seen;

static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    seen++;
    mprotect((void *)((unsigned long)info->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE);
    raise(SIGUSR1);
}
static void on_user(int signal) { (void)signal; seen++; }
static void on_division(int signal) { (void)signal; siglongjmp(back, 1); }

int main(void) {
    stack_t stack = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16};
    sigaltstack(&stack, 0);
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &fault, 0);
    signal(SIGUSR1, on_user);
    signal(SIGFPE, on_division);
    page = mmap(0, 8 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 8; i++) page[4096 * i + 9] += (char)i;
    volatile int zero = 0;
    if (!sigsetjmp(back, 1)) zero = 7 / zero;
    return seen != 16;
}
"""

CHILDREN = r"""
// Forks, of which some go on by themselves and others become another program.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            volatile int total = 0;
            for (int k = 0; k < 1000 * i; k++) total += k;
            if (i & 1) execl("/bin/true", "true", (char *)0);
            _exit(i);
        }
        waitpid(child, &status, 0);
        sum += WEXITSTATUS(status);
    }
    return sum != 2;
}
"""

COMPILED = r"""
static unsigned hash(const char *text) {
    unsigned value = 5381;
    while (*text) value = value * 33 ^ (unsigned char)*text++;
    return value;
}
int main(int argc, char **argv) { return (int)hash(argv[argc - 1]) & 1; }
"""
