// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -mavx2 -mf16c -mfma
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
int main(void) { volatile double v[] = {0.5, -1.5, 2.5, 1e10, -1e19, 1e300, NAN, INFINITY, -0.0, 4294967295.5}; for (int i = 0; i < 10; i++) { __m128d x = _mm_set_sd(v[i]); printf("%d %d %ld %ld %a %d %u\n", _mm_cvtsd_si32(x), _mm_cvttsd_si32(x), (long)_mm_cvtsd_si64(x), (long)_mm_cvttsd_si64(x), (double)(float)v[i], _cvtss_sh((float)v[i], 0), (unsigned)(int64_t)(v[i] < 1e18 && v[i] > -1e18 ? v[i] : 0)); } __m256d a = _mm256_set_pd(1.1, 2.2, 3.3, 4.4), b = _mm256_fmadd_pd(a, a, a); double o[4]; _mm256_storeu_pd(o, b); printf("%a %a %a %a\n", o[0], o[1], o[2], o[3]); for (int i = 0; i < 4; i++) { _mm_setcsr(0x1f80 | i << 13); printf("%d %d %a\n", _mm_cvtsd_si32(_mm_set_sd(2.5)), _mm_cvtss_si32(_mm_set_ss(-2.5f)), (double)_mm_cvtss_f32(_mm_cvtsd_ss(_mm_setzero_ps(), _mm_set_sd(0.1)))); } return 0; }
