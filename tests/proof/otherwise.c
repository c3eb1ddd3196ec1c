// SPDX-License-Identifier: Apache-2.0
// What docs/reference/limits.md says is executed otherwise, or not at all: a line for each,
// its name and what it left; each in a process of its own.
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[256];
static uint64_t area[64];

static uint64_t bit_test(void) {
    /* Eight bytes of memory 288 below the stack pointer, which natively stay what they are. */
    uint64_t found;
    __asm__ volatile(
        "movq $0, -288(%%rsp); mov $5, %%rax; mov $1, %%ecx; bts %%rcx, %%rax;"
        "mov -288(%%rsp), %0"
        : "=r"(found)::"rax", "rcx", "memory", "cc");
    return found;
}

#define CASE(name, ...)                                                            \
    if (fork() == 0) {                                                             \
        uint64_t r = 0;                                                            \
        __VA_ARGS__;                                                               \
        printf("%s %lx\n", name, r);                                               \
        fflush(stdout);                                                            \
        _exit(0);                                                                  \
    } else {                                                                       \
        int status;                                                                \
        wait(&status);                                                             \
        if (WIFSIGNALED(status)) printf("%s signal %d\n", name, WTERMSIG(status)); \
        fflush(stdout);                                                            \
    }
#define ASM(...) __asm__ volatile(__VA_ARGS__)

int main(void) {
    for (int i = 0; i < 256; i++) text[i] = (char)(255 - i);
    CASE("rep lods", char *s = text; long c = 5; ASM("rep lodsb"
                                                     : "+S"(s), "+c"(c), "+a"(r));
         r += (uint64_t)(s - text) << 32)
    CASE("xchg of ax", ASM("movabs $0x1111222233334444, %%rax; xor %%ecx, %%ecx;"
                           "xchg %%ax, %%cx"
                           : "=a"(r)::"rcx"))
    CASE("cmpxchg", ASM("movabs $0x1111222233334444, %%rax; movabs $0x7777888899990000, %%rcx;"
                        "mov $5, %%edx; cmpxchg %%edx, %%ecx; mov %%rcx, %0"
                        : "=r"(r)::"rax", "rcx", "rdx", "cc"))
    CASE("fused", ASM("pcmpeqd %%xmm0, %%xmm0; xorps %%xmm1, %%xmm1;"
                      "vfmadd231sd %%xmm1, %%xmm1, %%xmm0; movhlps %%xmm0, %%xmm0; movq %%xmm0, %0"
                      : "=r"(r)::"xmm0", "xmm1"))
    CASE("fild", int64_t n = (1l << 62) + 1; ASM("fildll %1; fistpll %0" : "=m"(r) : "m"(n)))
    CASE("fnstcw", uint16_t c = 0x27f; ASM("fldcw %1; fnstcw %0" : "=m"(r) : "m"(c)))
    CASE("bts", r = bit_test())
    CASE("pushf", ASM("pushfq; pop %0" : "=r"(r)); r &= 0x202)
    CASE("xlat", ASM("mov $5, %%al; xlat" : "+a"(r) : "b"(text)))
    CASE("16-bit lea", ASM(".byte 0x66; lea 5(%%rax), %%eax" : "+a"(r)))
    CASE("cmps", char *s = text, *d = text; ASM("cmpsb" : "+S"(s), "+D"(d)::"cc"))
    CASE("repne cmps", char *s = text, *d = text + 9; long c = 4;
         ASM("repne cmpsb"
             : "+S"(s), "+D"(d), "+c"(c)::"cc"))
    CASE("fdecstp", ASM("fdecstp; fincstp"))
    CASE("ftst", ASM("fld1; ftst; fstp %st"))
    CASE("fxsave", ASM("mov $0x3f80, %%eax; mov %%eax, 8(%%rdi); ldmxcsr 8(%%rdi); fxsave (%%rdi);"
                       "mov 24(%%rdi), %%eax"
                       : "=a"(r)
                       : "D"(area)
                       : "memory"))
    return 0;
}
