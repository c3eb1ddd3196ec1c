# SPDX-License-Identifier: Apache-2.0
"""C programs whose traces are small enough to look at every moment of them."""

from __future__ import annotations

STATIC = ("-static", "-pthread", "-O1", "-mavx2")

VARIED = r"""
// Threads that take turns, vectors, flags, a signal handler, memory that moves, and pages
// that cross a boundary: some tens of thousands of transitions.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static uint8_t buffer[3 * 4096] __attribute__((aligned(4096)));
static volatile int turn;
static volatile int handled;

static void on_signal(int signal) { handled += signal; }

static void *work(void *argument) {
    int self = (int)(intptr_t)argument;
    for (int round = 0; round < 4; round++) {
        while (turn % 3 != self) sched_yield();
        for (int i = 0; i < 12; i++) {
            uint64_t *at = (uint64_t *)(buffer + 4096 - 4 + 8 * ((i * 5 + self) % 9));
            *at = *at * 3 + (uint64_t)(round * 257 + i);
            __m256i sum = _mm256_add_epi64(_mm256_loadu_si256((void *)buffer + 4090),
                                           _mm256_set1_epi64x(round + i));
            _mm256_storeu_si256((void *)(buffer + 8192 - 16 + i), sum);
            buffer[i] ^= (uint8_t)*at;
        }
        turn++;
    }
    return 0;
}

int main(void) {
    signal(SIGUSR1, on_signal);
    pthread_t threads[3];
    for (intptr_t i = 0; i < 3; i++) pthread_create(&threads[i], 0, work, (void *)i);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], 0);
    raise(SIGUSR1);
    memcpy(buffer + 100, buffer + 4000, 3000);
    uint8_t *pages = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(pages + 4000, 0x5a, 200);
    pages = mremap(pages, 8192, 1 << 16, MREMAP_MAYMOVE);
    memmove(pages + 4001, pages + 4000, 300);
    buffer[0] = pages[4100];
    munmap(pages, 4096);
    return handled == 0;
}
"""

MAPS = r"""
// Copies /proc/self/maps to the file that is named, twice: with a mapping, and without.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char text[1 << 18];

__attribute__((noinline)) void copy_maps(const char *name) {
    int from = open("/proc/self/maps", O_RDONLY);
    int to = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    long size = 0, more;
    while ((more = read(from, text + size, sizeof text - size)) > 0) size += more;
    if (write(to, text, size) != size) _exit(1);
    close(from);
    close(to);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    char *pages = mmap(0, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pages[1] = 1;
    mprotect(pages + 4096, 4096, PROT_READ);
    copy_maps(argv[1]);
    munmap(pages, 3 * 4096);
    copy_maps(argv[2]);
    return 0;
}
"""

SYSCALLS = r"""
static char text[] = "to no file\n";
static long syscall6(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
void _start(void) {
    syscall6(39, 0, 0, 0, 0, 0, 0);                              /* getpid */
    syscall6(1, 77, (long)text, sizeof text - 1, 0, 0, 0);       /* write: EBADF */
    long at = syscall6(9, 0, 8192, 3, 0x22, -1, 0);              /* mmap */
    *(char *)at = 1;
    syscall6(11, at, 8192, 0, 0, 0, 0);                          /* munmap */
    syscall6(186, 0, 0, 0, 0, 0, 0);                             /* gettid */
    syscall6(231, 3, 0, 0, 0, 0, 0);                             /* exit_group */
    __builtin_unreachable();
}
"""
