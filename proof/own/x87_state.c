// SPDX-License-Identifier: Apache-2.0
// flags: -O1
// said: x87
// The control and status word, the stack, classes of values.
#include <stdio.h>
#include <string.h>
int main(void) { unsigned short c, s; double d = 2.25; int i = -7; long l = 1l << 40; __asm__ volatile("fninit; fnstcw %0" : "=m"(c)); printf("%x ", c); c = 0x27f; __asm__ volatile("fldcw %1; fnstcw %0" : "=m"(c) : "m"(c)); printf("%x\n", c); __asm__ volatile("fninit; fldl %2; fildl %3; fildll %4; faddp; fmulp; fstpl %0; fnstsw %1" : "=m"(d), "=m"(s) : "m"(d), "m"(i), "m"(l)); printf("%.17g %x\n", d, s & 0x3800); __asm__ volatile("fldz; fxam; fnstsw %0; fstp %%st" : "=m"(s)); printf("%x\n", s & 0x4700); __asm__ volatile("fld1; fldz; fcomip; fstp %%st; setb %b0" : "=m"(s) :: "cc"); printf("%d\n", (char)s); char e[28]; __asm__ volatile("fninit; fld1; fnstenv %0; fninit" : "=m"(e)); printf("%x %x\n", *(unsigned short *)e, *(unsigned short *)(e + 8)); double r; __asm__ volatile("fldpi; fsin; fstpl %0; fldpi; fcos; frndint; fstpl %0" : "=m"(r)); printf("%g\n", r); return 0; }
