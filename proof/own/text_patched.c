// SPDX-License-Identifier: Apache-2.0
// flags: -O0 -g
// The program's own text, patched in place: an immediate, a jump over it, and back.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
__attribute__((noinline, aligned(64))) int answer(void) { return 41; }
__attribute__((noinline, aligned(64))) int hook(void) { return 1000; }
int main(void) { uint8_t *at = (uint8_t *)answer, old[5]; mprotect((void *)((long)at & ~4095l), 8192, PROT_READ | PROT_WRITE | PROT_EXEC); int sum = 0;
    for (int i = 0; i < 20; i++) { uint8_t *p = memchr(at, 41 + i, 16); if (!p) return 9; *p = 42 + i; sum += answer(); }
    memcpy(old, at, 5); int32_t far = (int32_t)((uint8_t *)hook - at - 5); at[0] = 0xe9; memcpy(at + 1, &far, 4); printf("%d ", answer()); memcpy(at, old, 5); printf("%d %d\n", answer(), sum); return 0; }
