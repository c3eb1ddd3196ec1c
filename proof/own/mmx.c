// SPDX-License-Identifier: Apache-2.0
#include <mmintrin.h>
#include <stdio.h>
int main(void) { __m64 a = _mm_set_pi16(1, -2, 3, 30000), b = _mm_set_pi16(5, 6, -7, 30000); unsigned long long s = 0; for (int i = 0; i < 20; i++) { a = _mm_adds_pi16(a, b); b = _mm_xor_si64(_mm_mullo_pi16(a, b), _mm_unpacklo_pi8(a, b)); s = s * 31 + (unsigned long long)_mm_cvtm64_si64(_mm_packs_pi16(a, b)); } _mm_empty(); double d = 1.5; printf("%llx %g\n", s, d); return 0; }
