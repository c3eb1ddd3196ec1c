// SPDX-License-Identifier: Apache-2.0
// An ifunc: the linker asks a function which one to use.
#include <stdio.h>
static int fast(int n) { return n * 2; }
static int slow(int n) { return n * 3; }
static int (*choose(void))(int) { __builtin_cpu_init(); return __builtin_cpu_supports("avx2") ? fast : slow; }
int twice(int n) __attribute__((ifunc("choose")));
int main(void) { printf("%d\n", twice(21) % 2 == 0 ? twice(21) : -1); return 0; }
