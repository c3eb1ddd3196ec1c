// SPDX-License-Identifier: Apache-2.0
// rep movs and stos over each other, backwards, scas and cmps to their end.
#include <stdio.h>
#include <string.h>
static char b[300];
int main(void) { for (int i = 0; i < 256; i++) b[i] = i; char *d = b + 3, *s = b; long n = 100; __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) :: "memory"); printf("%ld %ld %d\n", d - b, s - b, b[50]); d = b + 200, s = b + 190, n = 12; __asm__ volatile("std; rep movsq; cld" : "+D"(d), "+S"(s), "+c"(n) :: "memory", "cc"); printf("%ld %ld\n", d - b, s - b); unsigned h = 0; for (int i = 0; i < 300; i++) h = h * 31 + (unsigned char)b[i]; printf("%u\n", h); memset(b, 'a', 300); b[77] = 'q'; d = b, n = 300; __asm__ volatile("repne scasb" : "+D"(d), "+c"(n) : "a"('q') : "cc"); printf("%ld %ld\n", d - b, n); d = b, s = b + 100, n = 50; __asm__ volatile("repe cmpsw" : "+D"(d), "+S"(s), "+c"(n) :: "cc", "memory"); printf("%ld %ld\n", d - b, n); n = 0; d = b; __asm__ volatile("rep stosl" : "+D"(d), "+c"(n) : "a"(5) : "memory"); printf("%ld\n", d - b); long v; s = b + 70; __asm__ volatile("lodsq; lodsb" : "+S"(s), "=a"(v)); printf("%lx\n", v); return 0; }
