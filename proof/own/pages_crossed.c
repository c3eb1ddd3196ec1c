// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -mavx2
#include <immintrin.h>
#include <stdio.h>
#include <sys/mman.h>
int main(void) { char *a = mmap(NULL, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); unsigned s = 0; for (int o = 4060; o < 4100; o++) { _mm256_storeu_si256((void *)(a + o), _mm256_set1_epi8(o)); *(long *)(a + o + 3) += o; __m256i x = _mm256_loadu_si256((void *)(a + o - 7)); s = s * 31 + _mm256_movemask_epi8(_mm256_add_epi8(x, x)); } printf("%u\n", s); return 0; }
