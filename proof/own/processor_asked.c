// SPDX-License-Identifier: Apache-2.0
// What cpuid announces runs, each feature that a program would use.
#include <cpuid.h>
#include <immintrin.h>
#include <stdio.h>
__attribute__((target("avx2"))) static int two(void) { return _mm256_extract_epi32(_mm256_add_epi32(_mm256_set1_epi32(20), _mm256_set1_epi32(1)), 3); }
__attribute__((target("avx512f"))) static int five(void) { return _mm512_reduce_add_epi32(_mm512_set1_epi32(2)); }
__attribute__((target("sha"))) static int sha(void) { return _mm_cvtsi128_si32(_mm_sha256msg1_epu32(_mm_set1_epi32(2), _mm_set1_epi32(3))) != 0; }
__attribute__((target("rdrnd"))) static int drawn(void) { unsigned x; return _rdrand32_step(&x); }
__attribute__((target("rdseed"))) static int seed(void) { unsigned x; for (int i = 0; i < 1000; i++) if (_rdseed32_step(&x)) return 1; return 0; }
__attribute__((target("rtm"))) static int transaction(void) { unsigned s = _xbegin(); if (s == _XBEGIN_STARTED) _xend(); return 1; }
__attribute__((target("xsavec"))) static int saved(void) { static char a[4096] __attribute__((aligned(64))); _xsavec64(a, 7); return 1; }
__attribute__((target("clflushopt"))) static int flushed(void) { static int x; _mm_clflushopt(&x); return 1; }
__attribute__((target("gfni"))) static int field(void) { return 1 | _mm_cvtsi128_si32(_mm_gf2p8mul_epi8(_mm_set1_epi8(3), _mm_set1_epi8(5))); }
__attribute__((target("vaes,avx2"))) static int vaes(void) { return 1 | _mm256_extract_epi32(_mm256_aesenc_epi128(_mm256_set1_epi32(3), _mm256_set1_epi32(5)), 1); }
__attribute__((target("fsgsbase"))) static int base(void) { return _readfsbase_u64() != 0; }
int main(void) { unsigned a, b, c, d; __get_cpuid_count(7, 0, &a, &b, &c, &d); int ok = 1; __get_cpuid(1, &a, &a, &a, &a); __builtin_cpu_init(); if (b >> 5 & 1) ok &= two() == 21; if (__builtin_cpu_supports("avx512f")) ok &= five() == 32; if (b >> 29 & 1) ok &= sha(); if (b >> 18 & 1) ok &= seed(); if (b >> 11 & 1) ok &= transaction(); if (b >> 23 & 1) ok &= flushed(); if (c >> 8 & 1) ok &= field(); if (c >> 9 & 1) ok &= vaes(); if (b & 1) ok &= base(); unsigned e, f, g, h; __get_cpuid(1, &e, &f, &g, &h); if (g >> 30 & 1) ok &= drawn(); if (g >> 27 & 1) { __get_cpuid_count(13, 1, &e, &f, &g, &h); if (e >> 1 & 1) ok &= saved(); } char n[13] = ""; __get_cpuid(0, &e, (unsigned *)n, (unsigned *)(n + 8), (unsigned *)(n + 4)); printf("%d %zu\n", ok, sizeof n); unsigned long t = __rdtsc(), u; for (volatile int i = 0; i < 100; i++) {} u = __rdtsc(); printf("%d\n", u > t); return 0; }
