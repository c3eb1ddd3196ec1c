// SPDX-License-Identifier: Apache-2.0
// seconds: 120
// A reservation of 64 GiB and one of 1 TiB, of which little is touched.
#include <stdio.h>
#include <sys/mman.h>
int main(void) { for (int shift = 36; shift <= 40; shift += 4) { char *a = mmap(NULL, 1ul << shift, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); if (a == MAP_FAILED) { puts("failed"); continue; } a[5] = 1; a[(1ul << shift) - 1] = 2; a[1ul << 33] = 3; printf("%d\n", a[5] + a[(1ul << shift) - 1] + a[1ul << 33]); munmap(a, 1ul << shift); } return 0; }
