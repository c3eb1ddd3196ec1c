// SPDX-License-Identifier: Apache-2.0
// An instruction changes the next one, in the same straight line.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) { uint8_t *c = mmap(NULL, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); uint8_t b[] = {0xc6, 0x05, 1, 0, 0, 0, 77, 0xb8, 1, 0, 0, 0, 0xc3}; memcpy(c, b, sizeof b); printf("%d\n", ((int (*)(void))c)()); c[8] = 5; c[6] = 99; printf("%d\n", ((int (*)(void))c)());
    uint8_t r[] = {0x48, 0x8d, 0x3d, 9, 0, 0, 0, 0xb0, 0x90, 0xb9, 4, 0, 0, 0, 0xf3, 0xaa, 0x0f, 0x0b, 0x0f, 0x0b, 0x31, 0xc0, 0xc3}; memcpy(c + 64, r, sizeof r); printf("%d\n", ((int (*)(void))(c + 64))()); return 0; }
