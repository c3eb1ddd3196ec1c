# SPDX-License-Identifier: Apache-2.0
"""Programs that the tests of the client API record."""

from __future__ import annotations

BARE_FLAGS = ("-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none")

# No library and no start-up code: every transition is known.
BARE = r"""
__asm__(
    ".globl _start, again, function, buffer\n"
    ".type function, @function\n"
    "_start:\n"
    "    movabs $0x1122334455667788, %rax\n"   /* #0 */
    "    mov $3, %ecx\n"                       /* #1 */
    "    lea buffer(%rip), %rdi\n"             /* #2 */
    "again:\n"
    "    mov %eax, (%rdi,%rcx,4)\n"            /* #3 #6 #9 */
    "    dec %ecx\n"                           /* #4 #7 #10 */
    "    jnz again\n"                          /* #5 #8 #11 */
    "    push %rax\n"                          /* #12 */
    "    pop %rdx\n"                           /* #13 */
    "    addl $1, 4(%rdi)\n"                   /* #14 */
    "    call function\n"                      /* #15 */
    "    mov $60, %eax\n"                      /* #17 */
    "    xor %edi, %edi\n"                     /* #18 */
    "    syscall\n"                            /* #19 */
    "function:\n"
    "    ret\n"                                /* #16 */
    ".size function, . - function\n"
    ".bss\n"
    ".balign 64\n"
    "buffer: .space 64\n"
    ".text\n");
"""

# Values of many shapes in memory that stays where `values` is.
VALUES = r"""
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct node { struct node *next; uint64_t value; };

struct values {
    uint8_t byte;
    int16_t negative;
    uint32_t big_endian;
    float single;
    double whole;
    char text[16];
    uint16_t wide[6];
    uint64_t numbers[3];
    struct node first, second;
};

struct values values;

__attribute__((noinline)) void ready(struct values *at) {
    __asm__ volatile("" ::"r"(at) : "memory");
}

int main(void) {
    values.byte = 200;
    values.negative = -2;
    values.big_endian = __builtin_bswap32(0x01020304);
    values.single = 1.5f;
    values.whole = -0.25;
    strcpy(values.text, "h\xc3\xa9llo");
    memcpy(values.wide, (uint16_t[]){'w', 0xe9, 0x20ac, 0}, 8);
    memcpy(values.numbers, (uint64_t[]){1, 2, 3}, 24);
    values.first.next = &values.second;
    values.second.value = 0x1234567890;
    ready(&values);
    ready(&values);
    return 0;
}
"""

SIGNALS = r"""
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t handled;
static void handler(int number) { handled = number; }

int main(void) {
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    *(volatile int *)8 = handled;
    return 0;
}
"""

THREADS = r"""
#include <pthread.h>
#include <stdint.h>

static volatile uint64_t total;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) void add(uint64_t amount) { total += amount; }

static pthread_barrier_t all;

static void *run(void *argument) {
    pthread_barrier_wait(&all);
    for (int i = 0; i < 2000; ++i) {
        pthread_mutex_lock(&lock);
        add((uintptr_t)argument);
        pthread_mutex_unlock(&lock);
    }
    return 0;
}

int main(void) {
    pthread_t threads[2];
    pthread_barrier_init(&all, 0, 2);
    for (uintptr_t i = 0; i < 2; ++i) pthread_create(&threads[i], 0, run, (void *)(i + 1));
    for (int i = 0; i < 2; ++i) pthread_join(threads[i], 0);
    return total == 6000 ? 0 : 1;
}
"""
