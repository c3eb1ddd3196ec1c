// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -mbmi -mbmi2 -mlzcnt -mpopcnt -madx -mmovbe
// quick: yes
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
int main(void) { uint64_t x = 0x123456789abcdef, s = 0; for (int i = 0; i < 200; i++) { x = x * 6364136223846793005ull + 1442695040888963407ull; unsigned long long hi; s ^= _pdep_u64(x, ~x >> 7) + _pext_u64(x, x >> 3) + _bzhi_u64(x, i & 63) + _bextr_u64(x, i & 31, 9) + _blsi_u64(x) * _blsr_u64(x) + _mulx_u64(x, s, &hi) + hi; s = s << 1 | s >> 63; s += __builtin_popcountll(x) * _lzcnt_u64(x >> (i & 31)) + _tzcnt_u64(x << (i & 31)) + __builtin_bswap64(x); unsigned char c = _addcarry_u64(i & 1, x, s, &hi); s ^= hi + c; } printf("%lx\n", s); return 0; }
