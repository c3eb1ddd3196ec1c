/* SPDX-License-Identifier: Apache-2.0
 * Instructions that VEX does not know, with what they give. */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
typedef struct {
    uint64_t v[4];
} Q;
static Q a = {{0x0123456789abcdef, 0xfedcba9876543210, 0x1111222233334444, 0x5555666677778888}},
         b = {{3, 5, 0x8000000000000001, 9}}, c = {{0x1020304050607080, 77, 88, 99}};
static Q r;
static void show(const char *n) {
    printf("%s %lx %lx %lx %lx\n", n, r.v[0], r.v[1], r.v[2], r.v[3]);
}
#define S(n, code)                                                                          \
    do {                                                                                    \
        __asm__ volatile("vmovdqu %1,%%ymm0\n vmovdqu %2,%%ymm9\n vmovdqu %3,%%ymm3\n" code \
                         "\n vmovdqu %%ymm3,%0"                                             \
                         : "=m"(r)                                                          \
                         : "m"(a), "m"(b), "m"(c), "r"(&a), "r"(1L)                         \
                         : "xmm0", "xmm9", "xmm3", "memory");                               \
        show(n);                                                                            \
    } while (0)
int main(void) {
    S("sha1rnds4", "sha1rnds4 $2,%%xmm9,%%xmm3");
    S("sha1nexte", "sha1nexte %%xmm9,%%xmm3");
    S("sha1msg1", "sha1msg1 (%4),%%xmm3");
    S("sha1msg2", "sha1msg2 %%xmm9,%%xmm3");
    S("sha256rnds2", "sha256rnds2 %%xmm0,%%xmm9,%%xmm3");
    S("sha256msg1", "sha256msg1 8(%4,%5,8),%%xmm3");
    S("sha256msg2", "sha256msg2 %%xmm9,%%xmm3");
    S("gf2p8mulb", "gf2p8mulb %%xmm9,%%xmm3");
    S("gf2p8affineqb", "gf2p8affineqb $7,%%xmm9,%%xmm3");
    S("vgf2p8mulb", "vgf2p8mulb %%ymm9,%%ymm0,%%ymm3");
    S("vgf2p8affineinvqb", "vgf2p8affineinvqb $3,(%4),%%ymm0,%%ymm3");
    S("vaesenc", "vaesenc %%ymm9,%%ymm0,%%ymm3");
    S("vaesdeclast", "vaesdeclast (%4),%%ymm0,%%ymm3");
    S("vpclmulqdq", "vpclmulqdq $17,%%ymm9,%%ymm0,%%ymm3");
    S("vpdpbusd", "%{vex%} vpdpbusd %%ymm9,%%ymm0,%%ymm3");
    S("vpdpwssds", "%{vex%} vpdpwssds %%xmm9,%%xmm0,%%xmm3");
    S("extrq", "extrq $8,$4,%%xmm3");
    S("extrq2", "extrq %%xmm9,%%xmm3");
    S("insertq", "insertq $8,$16,%%xmm9,%%xmm3");
    {
        unsigned char t[256];
        for (int i = 0; i < 256; i++) t[i] = i * 7;
        unsigned long x = 0xff05;
        __asm__ volatile("xlatb" : "+a"(x) : "b"(t));
        printf("xlat %lx\n", x);
    }
    {
        unsigned long x = -1L;
        __asm__ volatile("leaw 5(%1,%1,2),%w0" : "+r"(x) : "r"(0x12345L));
        printf("lea16 %lx\n", x);
    }
    {
        const char *p = "abcd", *q = "abce";
        unsigned long f;
        for (int i = 0; i < 4; i++) {
            __asm__ volatile("cmpsb\n pushfq\n pop %2" : "+S"(p), "+D"(q), "=r"(f));
            printf("cmps %lx ", f & 0x8d5);
        }
        puts("");
        uint64_t u[2] = {1, 2}, w[2] = {3, 4};
        void *m = u, *n = w;
        __asm__ volatile("cmpsq\n pushfq\n pop %2" : "+S"(m), "+D"(n), "=r"(f));
        printf("cmpsq %lx %d %d\n", f & 0x8d5, (int)((char *)m - (char *)u),
               (int)((char *)n - (char *)w));
        m = u + 1;
        n = w + 1;
        __asm__ volatile("std\n cmpsw\n cld" : "+S"(m), "+D"(n));
        printf("cmpsw %d\n", (int)((char *)m - (char *)u));
    }
    {
        unsigned short s;
        double d = -2;
        __asm__ volatile("fldl %1\n ftst\n fnstsw %0\n fstp %%st(0)" : "=m"(s) : "m"(d));
        printf("ftst %x\n", s & 0x4500);
        d = 0;
        __asm__ volatile("fldl %1\n ftst\n fnstsw %0\n fstp %%st(0)" : "=m"(s) : "m"(d));
        printf("ftst %x\n", s & 0x4500);
        __asm__ volatile("fdecstp\n fnstsw %0\n fincstp" : "=m"(s));
        printf("fdecstp %x\n", s & 0x3800);
    }
    {
        unsigned long fs;
        __asm__ volatile("rdfsbase %0" : "=r"(fs));
        unsigned long self;
        __asm__ volatile("mov %%fs:0,%0" : "=r"(self));
        printf("fs %d\n", fs == self);
        __asm__ volatile("wrgsbase %0" ::"r"(0x1234L));
        __asm__ volatile("rdgsbase %0" : "=r"(fs));
        printf("gs %lx\n", fs);
    }
    {
        __asm__ volatile("clflushopt %0\n clwb %0" ::"m"(a));
        puts("clwb");
    }
    return 0;
}
