// SPDX-License-Identifier: Apache-2.0
// flags: -O0
// seconds: 60
// Each in a process of its own: how it ends natively, it ends recorded.
#include <stdio.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
static char area[4096] __attribute__((aligned(64))), text[256];
#define CASE(name, ...) if (fork() == 0) { __VA_ARGS__; fflush(stdout); _exit(0); } else { int s; wait(&s); printf(name " %d\n", s); fflush(stdout); }
int main(void) { uint64_t r = 0; for (int i = 0; i < 256; i++) text[i] = 255 - i; setvbuf(stdout, NULL, _IONBF, 0);
 CASE("xlat", __asm__ volatile("mov $5, %%al; xlat" : "=a"(r) : "b"(text)); printf("%lu ", r & 255));
 CASE("lea16", __asm__ volatile("mov $-1, %%rax; mov $3, %%ecx; .byte 0x66; lea 5(%%rcx), %%eax" : "=a"(r) :: "rcx"); printf("%lx ", r));
 CASE("lods", char *s = text; long c = 5; r = 0; __asm__ volatile("rep lodsb" : "+S"(s), "+c"(c), "+a"(r)); printf("%ld %ld %lx ", s - text, c, r));
 CASE("xchg16", __asm__ volatile("mov $0x1111222233334444, %%rax; mov $0x5555666677778888, %%rcx; xchg %%ax, %%cx" : "=a"(r) :: "rcx"); printf("%lx ", r));
 CASE("cmps", char *s = text, *d = text; __asm__ volatile("cmpsb" : "+S"(s), "+D"(d)); printf("%ld ", s - text));
 CASE("enter", __asm__ volatile("mov %%rsp, %%rcx; mov %%rbp, %%rdx; enter $32, $0; mov %%rsp, %%rax; leave; sub %%rax, %%rcx; mov %%rcx, %%rax" : "=a"(r) :: "rcx", "rdx"); printf("%lu ", r));
 CASE("int80", __asm__ volatile("int $0x80" : "=a"(r) : "a"(20)); printf("%d ", r == getpid()));
 CASE("icebp", __asm__ volatile(".byte 0xf1"));
 CASE("int3", __asm__ volatile("int3"));
 CASE("into", __asm__ volatile(".byte 0xce"));
 CASE("sidt", __asm__ volatile("sidt %0" : "=m"(area)));
 CASE("in", __asm__ volatile("in $0x60, %%al" ::: "rax"));
 CASE("cli", __asm__ volatile("cli"));
 CASE("rdpmc", __asm__ volatile("rdpmc" :: "c"(0) : "rax", "rdx"));
 CASE("rdmsr", __asm__ volatile("rdmsr" :: "c"(0) : "rax", "rdx"));
 CASE("sysenter", __asm__ volatile("ud2"));
 CASE("xgetbv", __asm__ volatile("xgetbv" : "=a"(r) : "c"(0) : "rdx"); printf("%lx ", r & 7));
 CASE("fxsave", __asm__ volatile("fxsave %0" : "=m"(area)); printf("%x ", *(unsigned *)(area + 24)));
 CASE("ftst", __asm__ volatile("fld1; ftst; fnstsw %%ax; fstp %%st" : "=a"(r)); printf("%lx ", r & 0x4500));
 CASE("fdecstp", __asm__ volatile("fdecstp; fincstp; fnstsw %%ax" : "=a"(r)); printf("%lx ", r & 0x3800));
 CASE("fbld", __asm__ volatile("fldpi; fbstp %0" : "=m"(area)); printf("%d ", area[0]));
 CASE("cmov", __asm__ volatile("mov $-1, %%rax; xor %%ecx, %%ecx; cmovnz %%ecx, %%eax" : "=a"(r) :: "rcx", "cc"); printf("%lx ", r));
 CASE("bts", long x = 0; __asm__ volatile("bts %1, %0" : "+m"(area) : "r"(70l) : "cc"); printf("%d ", area[8]));
 CASE("rcl", __asm__ volatile("stc; mov $0x80, %%al; rcl $9, %%al; rcr $3, %%al; movzx %%al, %%eax" : "=a"(r) :: "cc"); printf("%lx ", r));
 CASE("div overflow", __asm__ volatile("mov $1, %%edx; xor %%eax, %%eax; mov $1, %%ecx; div %%ecx" ::: "rax", "rcx", "rdx", "cc"));
 CASE("noncanonical", __asm__ volatile("movabs $0x800000000000, %%rax; mov (%%rax), %%rax" ::: "rax"));
 CASE("misaligned sse", __asm__ volatile("movaps %0, %%xmm0" :: "m"(area[1])));
 CASE("push imm", __asm__ volatile("push $-5; pop %%rax" : "=a"(r)); printf("%lx ", r));
 CASE("pushw", __asm__ volatile("mov %%rsp, %%rcx; pushw $7; popw %%ax; sub %%rsp, %%rcx" : "=c"(r) :: "rax"); printf("%lx ", r));
 CASE("ret imm", __asm__ volatile("lea 1f(%%rip), %%rax; mov %%rsp, %%rcx; sub $16, %%rsp; push %%rax; ret $16; 1: sub %%rsp, %%rcx" : "=c"(r) :: "rax"); printf("%lx ", r));
 CASE("movbe", __asm__ volatile("movbe %1, %0" : "=r"(r) : "m"(text)); printf("%lx ", r));
 CASE("verr", __asm__ volatile("mov %%ds, %%eax; verr %%ax" ::: "rax", "cc"));
 CASE("str", __asm__ volatile("lar %%eax, %%ecx" ::: "rcx", "cc"));
 CASE("wrfsbase", __asm__ volatile("rdfsbase %0" : "=r"(r)); printf("%d ", r != 0));
 CASE("prefetch", __asm__ volatile("prefetcht0 %0; prefetchw %0; pause; lfence; mfence; sfence; clflush %0" :: "m"(area)));
 CASE("rdpid", __asm__ volatile("rdpid %0" : "=r"(r)));
 CASE("endbr", __asm__ volatile("endbr64; nopw 8(%%rax); rdsspq %0" : "+r"(r)));
 CASE("lock wrong", __asm__ volatile(".byte 0xf0, 0x90"));
 CASE("long", __asm__ volatile(".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90"));
 CASE("too long", __asm__ volatile(".byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90"));
 return 0; }
