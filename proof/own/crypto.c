// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -maes -mpclmul -msse4.2
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
int main(void) { __m128i k = _mm_set_epi32(1, 2, 3, 4), x = _mm_set_epi32(5, 6, 7, 8); for (int i = 0; i < 50; i++) { x = _mm_aesenc_si128(x, k); k = _mm_xor_si128(_mm_aeskeygenassist_si128(k, 7), _mm_slli_si128(k, 4)); x = _mm_aesdeclast_si128(_mm_aesimc_si128(x), k); x = _mm_xor_si128(x, _mm_clmulepi64_si128(x, k, 0x10)); } uint64_t o[2]; _mm_storeu_si128((void *)o, x); unsigned c = 7; for (int i = 0; i < 50; i++) c = _mm_crc32_u32(c, i), c = _mm_crc32_u8(c, i); printf("%lx %lx %x %d\n", o[0], o[1], c, _mm_cmpistri(_mm_loadu_si128((void *)"needle in a hay!"), _mm_loadu_si128((void *)"xxxxxxxxinxxxxxx"), 0)); return 0; }
