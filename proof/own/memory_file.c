// SPDX-License-Identifier: Apache-2.0
// A file that is written, truncated and read while it is mapped.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) { int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600); ftruncate(fd, 16384); char *a = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    strcpy(a, "one"); printf("%s %s\n", a, p); pwrite(fd, "two", 4, 8192); printf("%s %s\n", a + 8192, p + 8192); p[0] = 'P'; printf("%s %s\n", a, p); lseek(fd, 4096, SEEK_SET); write(fd, "three", 6); printf("%s\n", p + 4096);
    struct { char *b; size_t n; } v[2] = {{"fo", 2}, {"ur", 3}}; pwritev(fd, (void *)v, 2, 12288); printf("%s\n", a + 12288); ftruncate(fd, 4096); ftruncate(fd, 16384); printf("%d %d\n", a[8192], a[12288]); msync(a, 16384, MS_SYNC);
    int other = open("mapped", O_RDWR); char *b = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, other, 0); puts(b); write(other, "new", 3); puts(b); puts(a); return 0; }
