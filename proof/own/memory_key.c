// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <string.h>
#include <stdlib.h>
int main(void) { void *p; printf("%d %d\n", posix_memalign(&p, 4096, 8192), (int)((long)p & 4095)); memset(p, 1, 8192); p = realloc(p, 1 << 20); printf("%d\n", ((char *)p)[8191]); free(p); for (int i = 0; i < 2000; i++) { char *q = calloc(1, i * 13 % 5000 + 1); q[0]++; free(q); } int ok = 1; for (size_t n = 1; n < 1 << 22; n *= 3) { char *q = malloc(n); q[n - 1] = 1; ok &= malloc_usable_size(q) >= n; free(q); } printf("%d\n", ok); return 0; }
