// SPDX-License-Identifier: Apache-2.0
// mmap, mremap, mprotect, madvise, fixed over fixed.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    char *a = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(a + 4096, "kept");
    char *b = mremap(a, 16384, 1 << 20, MREMAP_MAYMOVE); printf("%s\n", b + 4096);
    char *room = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *c = mremap(b, 16384, 16384, MREMAP_MAYMOVE | MREMAP_FIXED, room); printf("%d %s\n", c == room, c + 4096);
    madvise(c, 8192, MADV_DONTNEED); printf("%d\n", c[4096]);
    char *d = mmap(c + 4096, 4096, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); d[0] = 9; printf("%d %d\n", d == c + 4096, c[4096]);
    munmap(c + 4096, 4096); printf("%p\n", mmap(c + 4096, 4096, PROT_READ, MAP_FIXED_NOREPLACE | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == c + 4096 ? NULL : (void *)1);
    unsigned char v[2]; printf("%d\n", mincore(c, 8192, v)); char *brk0 = sbrk(0); sbrk(100000); brk0[50000] = 3; printf("%d\n", brk0[50000]); sbrk(-100000);
    char *grown = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0); grown[0] = 1; printf("%d\n", grown[0]);
    printf("%d %d\n", msync(grown, 4096, MS_SYNC), mlock(grown, 4096)); return 0;
}
