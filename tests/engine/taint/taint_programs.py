# SPDX-License-Identifier: Apache-2.0
"""Programs whose data flow is known: by flipping bits, or by what they do."""

from __future__ import annotations

import random

STATIC = ("-static",)

_BINARY = ("+", "-", "*", "&", "|", "^")
_COMPARE = ("<", "<=", "==", "!=", ">")
_TYPES = ("uint8_t", "uint16_t", "uint32_t", "uint64_t", "int8_t", "int16_t", "int32_t", "int64_t")
_BITWISE = ("&", "|", "^")


def _expression(random: random.Random, depth: int, exact: bool) -> str:
    if depth == 0 or random.random() < 0.1:
        if random.random() < 0.75:
            return random.choice("abc")
        return f"UINT64_C({random.choice((0, 1, 0xFF, 0x80, random.getrandbits(64)))})"

    def part() -> str:
        return _expression(random, depth - 1, exact)

    kind = random.random()
    if exact:
        if kind < 0.4:
            # The two sides have no bit in common, so that none can cancel out.
            mask = random.getrandbits(64)
            return f"(({part()} & UINT64_C({mask})) | ({part()} & ~UINT64_C({mask})))"
        if kind < 0.6:
            return f"({part()} {random.choice(('<<', '>>'))} {random.randrange(1, 63)})"
        if kind < 0.8:
            return f"__builtin_bswap64({part()})"
        return f"(~{part()})"
    if kind < 0.45:
        return f"({part()} {random.choice(_BINARY)} {part()})"
    if kind < 0.55:
        return f"({part()} {random.choice(('<<', '>>'))} {random.randrange(1, 63)})"
    if kind < 0.65:
        return f"({part()} {random.choice(('<<', '>>'))} ({part()} & 63))"
    if kind < 0.75:
        return f"(uint64_t)({random.choice(_TYPES)})({part()})"
    if kind < 0.85:
        return f"(uint64_t)({part()} {random.choice(_COMPARE)} {part()})"
    if kind < 0.9:
        return f"({part()} {random.choice(('/', '%'))} ({part()} | 1))"
    if kind < 0.95:
        return f"(uint64_t)(int64_t)((double)(int32_t){part()} * 1.5 + (double)(int16_t){part()})"
    operation = random.choice(("__builtin_bswap64", "(uint64_t)(int32_t)", "-"))
    return f"{operation}({part()})"


def expressions(seed: int, count: int, depth: int, exact: bool = False) -> str:
    """A program of `count` functions f0, f1 … of three arguments. Run with an argument, it
    prints for each function the bits of the result that flipping one bit of one argument
    changes, for each argument and summed up."""
    choose = random.Random(seed)
    functions = "\n".join(
        f"__attribute__((noinline, noipa)) uint64_t f{i}(uint64_t a, uint64_t b, uint64_t c)"
        f" {{ (void)a; (void)b; (void)c; return {_expression(choose, depth, exact)}; }}"
        for i in range(count)
    )
    table = ", ".join(f"f{i}" for i in range(count))
    inputs = ", ".join(
        "{" + ", ".join(f"UINT64_C({choose.getrandbits(64)})" for _ in range(3)) + "}"
        for _ in range(count)
    )
    return f"""
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
{functions}
typedef uint64_t function(uint64_t, uint64_t, uint64_t);
static function *functions[] = {{ {table} }};
static uint64_t inputs[][3] = {{ {inputs} }};
int main(int count, char **words) {{
    (void)words;
    uint64_t sum = 0;
    for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++) {{
        uint64_t *x = inputs[i];
        uint64_t result = functions[i](x[0], x[1], x[2]);
        sum += result;
        for (int which = 0; count > 1 && which < 3; which++) {{
            uint64_t changed = 0;
            for (int bit = 0; bit < 64; bit++) {{
                uint64_t y[3] = {{ x[0], x[1], x[2] }};
                y[which] ^= UINT64_C(1) << bit;
                changed |= result ^ functions[i](y[0], y[1], y[2]);
            }}
            printf("%" PRIx64 "\\n", changed);
        }}
    }}
    return (int)(sum & 1);
}}
"""


# Every case takes 24 bytes from `source` to `sink`; what is in between is its own.
CASES = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <immintrin.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define SIZE 24
uint8_t source[SIZE], sink[64], key[16] = "0123456789abcdef", middle[4096];

__attribute__((noinline, noipa)) void begin(const char *name) { __asm__ volatile("" ::"r"(name)); }
__attribute__((noinline, noipa)) void end(void) { __asm__ volatile(""); }

static void copy_bytes(void) { for (volatile int i = 0; i < SIZE; i++) sink[i] = source[i]; }
static void copy_library(void) { memcpy(sink, source, SIZE); }
static void copy_long(void) {
    memcpy(middle + 1000, source, SIZE);
    memcpy(middle, middle + 1000, 500);
    memmove(middle + 20, middle, 2000);
    memcpy(sink, middle + 20, SIZE);
}
static void copy_moved_over(void) {
    memcpy(middle + 100, source, SIZE);
    memmove(middle + 93, middle + 100, 1500);
    memcpy(sink, middle + 93, SIZE);
}
static void copy_text(void) {
    strcpy((char *)middle, (char *)source);
    strncpy((char *)sink, (char *)middle, SIZE);
}
static void copy_printed(void) { snprintf((char *)sink, SIZE, "%s", (char *)source); }
static void copy_repeated(void) {
    void *to = sink; const void *from = source; size_t count = SIZE;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}
static void copy_vector(void) {
    __m128i low = _mm_loadu_si128((void *)source);
    uint64_t high = *(uint64_t *)(source + 16);
    low = _mm_shuffle_epi32(_mm_shuffle_epi32(low, 0x1b), 0x1b);
    low = _mm_xor_si128(low, _mm_set1_epi8(0x5a));
    _mm_storeu_si128((void *)sink, low);
    *(uint64_t *)(sink + 16) = __builtin_bswap64(__builtin_bswap64(high));
}
static void copy_pushed(void) {
    __asm__ volatile("sub $128, %%rsp; push 0(%0); push 8(%0); push 16(%0);"
                     "pop 16(%1); pop 8(%1); pop 0(%1); add $128, %%rsp"
                     : : "r"(source), "r"(sink) : "memory");
}
static void copy_atomic(void) {
    uint64_t *to = (uint64_t *)sink, *from = (uint64_t *)source;
    for (int i = 0; i < 3; i++) to[i] = 0;
    __atomic_exchange_n(&to[0], from[0], __ATOMIC_SEQ_CST);
    uint64_t expected = 0;
    __atomic_compare_exchange_n(&to[1], &expected, from[1], 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    __atomic_store_n(&to[2], from[2], __ATOMIC_SEQ_CST);
}
static void copy_x87_moves(void) {
    for (int i = 0; i < 3; i++)
        __asm__ volatile("fldl (%0); fldz; fxch; fstpl (%1); fstp %%st(0)"
                         : : "r"(source + 8 * i), "r"(sink + 8 * i) : "memory", "st", "st(1)");
}
static void copy_pipe(void) {
    int ends[2];
    if (pipe(ends)) abort();
    int again = dup(ends[1]);
    if (write(ends[1], "before", 6) != 6 || write(again, source, SIZE) != SIZE) abort();
    if (read(ends[0], middle, 6) != 6 || read(ends[0], sink, 10) != 10) abort();
    if (read(ends[0], sink + 10, 100) != SIZE - 10) abort();
}
static void copy_sockets(void) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) abort();
    struct iovec parts[2] = {{source, 7}, {source + 7, SIZE - 7}};
    if (writev(ends[1], parts, 2) != SIZE || recv(ends[0], sink, 64, 0) != SIZE) abort();
}
static void copy_file(void) {
    char name[] = "/tmp/taint-XXXXXX";
    int file = mkstemp(name);
    if (write(file, "header", 6) != 6 || write(file, source, SIZE) != SIZE) abort();
    int again = open(name, O_RDONLY);
    if (pread(again, sink, SIZE, 6) != SIZE) abort();
    unlink(name);
}
static void copy_remapped(void) {
    uint8_t *at = mmap(NULL, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at + 50, source, SIZE);
    uint8_t *there = mmap(NULL, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    there = mremap(at, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, there);
    memcpy(sink, there + 50, SIZE);
}
static void *run_thread(void *from) { memcpy(middle, from, SIZE); return middle; }
static void copy_by_thread(void) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, run_thread, source);
    pthread_join(thread, &result);
    memcpy(sink, result, SIZE);
}
static void on_signal(int number) {
    (void)number;
    __asm__ volatile("xor %%ebx, %%ebx; xor %%r12d, %%r12d; xor %%r13d, %%r13d"
                     ::: "rbx", "r12", "r13");
}
static void copy_over_signal(void) {
    signal(SIGUSR1, on_signal);
    __asm__ volatile("mov (%0), %%rbx; mov 8(%0), %%r12; mov 16(%0), %%r13;"
                     "mov $39, %%eax; syscall; mov %%eax, %%edi; mov $10, %%esi;"
                     "mov $62, %%eax; syscall;"
                     "mov %%rbx, (%1); mov %%r12, 8(%1); mov %%r13, 16(%1)"
                     : : "r"(source), "r"(sink)
                     : "rbx", "r12", "r13", "rax", "rdi", "rsi", "rcx", "r11", "memory");
}
static void reversed(void) {
    for (int i = 0; i < SIZE / 8; i++)
        ((uint64_t *)sink)[SIZE / 8 - 1 - i] = __builtin_bswap64(((uint64_t *)source)[i]);
}
static void shuffled(void) {
    const __m128i order = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    _mm_storeu_si128((void *)sink, _mm_shuffle_epi8(_mm_loadu_si128((void *)source), order));
}
static int compare(const void *a, const void *b) {
    return *(const uint8_t *)b - *(const uint8_t *)a;
}
static void sorted(void) { memcpy(sink, source, SIZE); qsort(sink, SIZE, 1, compare); }
static void wiped(void) { memcpy(sink, source, SIZE); memset(sink, 7, SIZE); }
static void looked_up(void) { for (int i = 0; i < SIZE; i++) sink[i] = key[source[i] & 15]; }
static void base64(void) {
    for (int i = 0; i < 24; i += 3) {
        uint32_t bits = source[i] << 16 | source[i + 1] << 8 | source[i + 2];
        for (int j = 0; j < 4; j++) {
            uint32_t c = bits >> (18 - 6 * j) & 63;
            /* without a branch or a table: c + 'A', and what is more from 26, 52, 62, 63 on */
            sink[i / 3 * 4 + j] = (uint8_t)(c + 65 + (c > 25) * 6 - (c > 51) * 75
                                            - (c > 61) * 15 + (c > 62) * 3);
        }
    }
}
static void summed(void) {
    uint32_t sum = 0;
    for (int i = 0; i < SIZE; i++) sum = sum * 31 + source[i];
    memcpy(sink, &sum, 4);
}
__attribute__((target("aes"))) static void encrypted(void) {
    __m128i state = _mm_loadu_si128((void *)source), round = _mm_loadu_si128((void *)key);
    state = _mm_xor_si128(state, round);
    for (int i = 0; i < 3; i++) state = _mm_aesenc_si128(state, round);
    _mm_storeu_si128((void *)sink, _mm_aesenclast_si128(state, round));
}
static void overwritten(void) {
    memcpy(sink, source, SIZE);
    int file = open("/proc/self/exe", O_RDONLY);
    if (read(file, sink, SIZE) != SIZE) abort();
}

static const struct { const char *name; void (*run)(void); } cases[] = {
#define CASE(name) {#name, name}
    CASE(copy_bytes), CASE(copy_library), CASE(copy_long), CASE(copy_moved_over), CASE(copy_text),
    CASE(copy_printed), CASE(copy_repeated), CASE(copy_vector), CASE(copy_pushed),
    CASE(copy_atomic), CASE(copy_x87_moves), CASE(copy_pipe), CASE(copy_sockets), CASE(copy_file),
    CASE(copy_remapped), CASE(copy_by_thread), CASE(copy_over_signal), CASE(reversed),
    CASE(shuffled), CASE(sorted), CASE(wiped), CASE(looked_up), CASE(base64), CASE(summed),
    CASE(encrypted), CASE(overwritten),
};
int main(void) {
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int j = 0; j < SIZE; j++) source[j] = (uint8_t)(32 + j * 7 % 90);
        source[SIZE - 1] = 0;
        memset(sink, 0, sizeof sink);
        begin(cases[i].name);
        cases[i].run();
        end();
    }
    return 0;
}
"""
