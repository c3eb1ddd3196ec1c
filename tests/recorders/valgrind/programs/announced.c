/* SPDX-License-Identifier: Apache-2.0
 * Executes instructions of every feature that cpuid announces; with an argument, of the others
 * too. */
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
static sigjmp_buf back;
static void trap(int number) { siglongjmp(back, number); }
static char area[4096] __attribute__((aligned(64)));
#define EACH(name, code)                                                                      \
    static void name(void) {                                                                  \
        __asm__ volatile(code                                                                 \
                         :                                                                    \
                         : "r"(area), "r"(1L)                                                 \
                         : "rax", "rcx", "rdx", "rbx", "xmm0", "xmm1", "st", "mm0", "memory", \
                           "cc");                                                             \
    }
/* clang-format off: one a line */
EACH(fpu, "fld1\n fstp %%st")
EACH(tsc, "rdtsc")
EACH(cx8, "cmpxchg8b (%0)")
EACH(cmov, "cmovz %%rax, %%rcx")
EACH(clfsh, "clflush (%0)")
EACH(mmx, "paddb %%mm0, %%mm0\n emms")
EACH(fxsr, "fxsave (%0)\n fxrstor (%0)")
EACH(sse, "addps %%xmm0, %%xmm0")
EACH(sse2, "addpd %%xmm0, %%xmm0")
EACH(sse3, "haddps %%xmm0, %%xmm0")
EACH(pclmul, "pclmulqdq $1, %%xmm0, %%xmm0")
EACH(ssse3, "pshufb %%xmm0, %%xmm0")
EACH(fma, "vfmadd231ps %%ymm0, %%ymm0, %%ymm1")
EACH(cx16, "cmpxchg16b (%0)")
EACH(sse41, "pmulld %%xmm0, %%xmm0")
EACH(sse42, "crc32q %%rax, %%rcx\n pcmpistri $0, %%xmm0, %%xmm0")
EACH(movbe, "movbe (%0), %%eax\n movbe %%rax, (%0)")
EACH(popcnt, "popcnt %%rax, %%rcx")
EACH(aes, "aesenc %%xmm0, %%xmm0\n aeskeygenassist $1, %%xmm0, %%xmm0")
EACH(xsave, "mov $7, %%eax\n xor %%edx, %%edx\n xsave (%0)\n xrstor (%0)")
EACH(osxsave, "xor %%ecx, %%ecx\n xgetbv")
EACH(avx, "vaddps %%ymm0, %%ymm0, %%ymm1")
EACH(f16c, "vcvtph2ps %%xmm0, %%ymm0\n vcvtps2ph $0, %%ymm0, %%xmm1")
EACH(rdrand, "rdrand %%rax\n rdrand %%ecx")
EACH(fsgsbase, "rdfsbase %%rax")
EACH(
    bmi1,
    "andn %%rax, %%rcx, %%rdx\n blsr %%rax, %%rcx\n tzcnt %%rax, %%rcx\n bextr %%rax, %%rcx, %%rdx")
EACH(hle, "xacquire lock incl (%0)")
EACH(avx2, "vpaddb %%ymm0, %%ymm0, %%ymm1\n vpermd %%ymm0, %%ymm0, %%ymm1")
EACH(bmi2, "pdep %%rax, %%rcx, %%rdx\n mulx %%rax, %%rcx, %%rdx\n rorx $3, %%rax, %%rcx")
EACH(erms, "xor %%ecx, %%ecx\n rep movsb")
EACH(rtm, "xbegin 1f\n xend\n 1:")
EACH(avx512f, ".byte 0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc0")
EACH(rdseed, "rdseed %%rax\n rdseed %%ecx")
EACH(adx, "adcx %%rax, %%rcx\n adox %%rax, %%rcx")
EACH(clflushopt, "clflushopt (%0)")
EACH(clwb, "clwb (%0)")
EACH(sha, "sha1msg1 %%xmm0, %%xmm0")
EACH(gfni, "gf2p8mulb %%xmm0, %%xmm0")
EACH(vaes, "vaesenc %%ymm0, %%ymm0, %%ymm0")
EACH(vpclmul, "vpclmulqdq $1, %%ymm0, %%ymm0, %%ymm0")
EACH(rdpid, "rdpid %%rax")
EACH(movdiri, "movdiri %%rax, (%0)")
EACH(pku, "xor %%ecx, %%ecx\n rdpkru")
EACH(vnni, "%{vex%} vpdpbusd %%ymm0, %%ymm0, %%ymm1")
EACH(xsaveopt, "mov $7, %%eax\n xor %%edx, %%edx\n xsaveopt (%0)")
EACH(xsavec, "mov $7, %%eax\n xor %%edx, %%edx\n xsavec (%0)")
EACH(lahf, "lahf\n sahf")
EACH(lzcnt, "lzcnt %%rax, %%rcx")
EACH(sse4a, "extrq $1, $1, %%xmm0")
EACH(prefetchw, "prefetchw (%0)")
EACH(rdtscp, "rdtscp")
EACH(xop, ".byte 0x8f, 0xe8, 0x78, 0xcc, 0xc0, 0x01")
EACH(fma4, ".byte 0xc4, 0xe3, 0xf9, 0x68, 0xc0, 0x00")
EACH(tbm, ".byte 0x8f, 0xe9, 0x78, 0x01, 0xc8")
EACH(mwaitx, ".byte 0x0f, 0x01, 0xfa")
EACH(clzero, "mov %0, %%rax\n .byte 0x0f, 0x01, 0xfc")
EACH(mmxext, "pavgb %%mm0, %%mm0\n emms")
EACH(amd3d, "pfadd %%mm0, %%mm0\n femms")
/* clang-format on */
enum { EAX, EBX, ECX, EDX };
static const struct {
    const char *name;
    unsigned leaf, sub, reg, bit;
    void (*run)(void);
} features[] = {
#define F(name, ...) {#name, __VA_ARGS__, name}
    F(fpu, 1, 0, EDX, 0),
    F(tsc, 1, 0, EDX, 4),
    F(cx8, 1, 0, EDX, 8),
    F(cmov, 1, 0, EDX, 15),
    F(clfsh, 1, 0, EDX, 19),
    F(mmx, 1, 0, EDX, 23),
    F(fxsr, 1, 0, EDX, 24),
    F(sse, 1, 0, EDX, 25),
    F(sse2, 1, 0, EDX, 26),
    F(sse3, 1, 0, ECX, 0),
    F(pclmul, 1, 0, ECX, 1),
    F(ssse3, 1, 0, ECX, 9),
    F(fma, 1, 0, ECX, 12),
    F(cx16, 1, 0, ECX, 13),
    F(sse41, 1, 0, ECX, 19),
    F(sse42, 1, 0, ECX, 20),
    F(movbe, 1, 0, ECX, 22),
    F(popcnt, 1, 0, ECX, 23),
    F(aes, 1, 0, ECX, 25),
    F(xsave, 1, 0, ECX, 26),
    F(osxsave, 1, 0, ECX, 27),
    F(avx, 1, 0, ECX, 28),
    F(f16c, 1, 0, ECX, 29),
    F(rdrand, 1, 0, ECX, 30),
    F(fsgsbase, 7, 0, EBX, 0),
    F(bmi1, 7, 0, EBX, 3),
    F(hle, 7, 0, EBX, 4),
    F(avx2, 7, 0, EBX, 5),
    F(bmi2, 7, 0, EBX, 8),
    F(erms, 7, 0, EBX, 9),
    F(rtm, 7, 0, EBX, 11),
    F(avx512f, 7, 0, EBX, 16),
    F(rdseed, 7, 0, EBX, 18),
    F(adx, 7, 0, EBX, 19),
    F(clflushopt, 7, 0, EBX, 23),
    F(clwb, 7, 0, EBX, 24),
    F(sha, 7, 0, EBX, 29),
    F(pku, 7, 0, ECX, 4),
    F(gfni, 7, 0, ECX, 8),
    F(vaes, 7, 0, ECX, 9),
    F(vpclmul, 7, 0, ECX, 10),
    F(rdpid, 7, 0, ECX, 22),
    F(movdiri, 7, 0, ECX, 27),
    F(vnni, 7, 1, EAX, 4),
    F(xsaveopt, 13, 1, EAX, 0),
    F(xsavec, 13, 1, EAX, 1),
    F(lahf, 0x80000001, 0, ECX, 0),
    F(lzcnt, 0x80000001, 0, ECX, 5),
    F(sse4a, 0x80000001, 0, ECX, 6),
    F(prefetchw, 0x80000001, 0, ECX, 8),
    F(xop, 0x80000001, 0, ECX, 11),
    F(fma4, 0x80000001, 0, ECX, 16),
    F(tbm, 0x80000001, 0, ECX, 21),
    F(mwaitx, 0x80000001, 0, ECX, 29),
    F(mmxext, 0x80000001, 0, EDX, 22),
    F(rdtscp, 0x80000001, 0, EDX, 27),
    F(amd3d, 0x80000001, 0, EDX, 31),
    F(clzero, 0x80000008, 0, EBX, 0)};
int main(int count, char **arguments) {
    int wrong = 0;
    signal(SIGILL, trap);
    for (unsigned i = 0; i < sizeof features / sizeof *features; i++) {
        unsigned r[4] = {0};
        int announced = __get_cpuid_max(features[i].leaf & 0x80000000, 0) >= features[i].leaf,
            number;
        if (announced) __cpuid_count(features[i].leaf, features[i].sub, r[0], r[1], r[2], r[3]);
        announced = r[features[i].reg] >> features[i].bit & 1;
        if (!announced && count == 1) continue;
        number = sigsetjmp(back, 1);
        if (number == 0) features[i].run();
        if (announced && number) wrong++;
        if (number || count > 1)
            printf("%s %s %s\n", features[i].name, announced ? "announced" : "hidden",
                   number ? "not executed" : "executed");
    }
    printf("%d wrong\n", wrong);
    return wrong != 0;
}
