// SPDX-License-Identifier: Apache-2.0
// flags: -O3 -march=haswell
// quick: yes
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
int main(void) { static uint32_t a[1000], b[1000]; static float f[1000]; for (int i = 0; i < 1000; i++) a[i] = i * 2654435761u, f[i] = i * 0.37f; for (int r = 0; r < 5; r++) for (int i = 0; i < 1000; i++) { b[i] = (a[i] >> (i & 7)) ^ (a[i] * 3); a[i] += b[i]; f[i] = f[i] * 1.1f + (float)b[i]; } __m256i x = _mm256_loadu_si256((void *)a), i = _mm256_set_epi32(0, 70, 600, 3, 999, 5, 2, 1), g = _mm256_i32gather_epi32((int *)a, i, 4); x = _mm256_shuffle_epi8(_mm256_permutevar8x32_epi32(x, i), g); x = _mm256_blendv_epi8(x, g, _mm256_cmpgt_epi8(x, g)); uint32_t o[8], s = 0; _mm256_maskstore_epi32((int *)o, _mm256_set1_epi32(-1), x); for (int k = 0; k < 8; k++) s = s * 31 + o[k]; double t = 0; for (int k = 0; k < 1000; k++) t += f[k]; printf("%u %u %.9g %d\n", s, a[999], t, _mm256_movemask_epi8(x)); return 0; }
