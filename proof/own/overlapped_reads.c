// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
// Stores and loads of every size over each other.
int main(void) { union { unsigned char b[64]; unsigned short h[32]; unsigned w[16]; unsigned long q[8]; } volatile u; unsigned long s = 0; memset((void *)&u, 0, 64); for (int i = 0; i < 400; i++) { u.q[i % 8] = s * 2654435761u + i; *(volatile unsigned *)(u.b + i % 60) = (unsigned)s; *(volatile unsigned short *)(u.b + i * 7 % 61) ^= i; u.b[i * 13 % 64] += i; s = s * 31 + *(volatile unsigned long *)(u.b + i * 3 % 56); } printf("%lx\n", s); return 0; }
