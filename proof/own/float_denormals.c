// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>
#include <stdio.h>
int main(void) { volatile double t = 5e-324, s = 1e-308; volatile float f = 1e-40f; for (int i = 0; i < 4; i++) { _mm_setcsr(0x1f80 | (i & 1 ? 0x8000 : 0) | (i & 2 ? 0x40 : 0)); printf("%a %a %a %x\n", t * 3, s / 8, (double)(f + f), _mm_getcsr() & 0xffc0); } return 0; }
