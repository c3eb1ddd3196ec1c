// SPDX-License-Identifier: Apache-2.0
// A ring buffer whose pages are mapped twice in a row.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) { int fd = memfd_create("ring", 0); ftruncate(fd, 4096); char *a = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 2; i++) mmap(a + 4096 * i, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    unsigned sum = 0; for (int i = 0; i < 3000; i++) { char *at = a + i * 37 % 4096; memcpy(at, &i, 4); memmove(at + 2, at, 13); sum = sum * 31 + (unsigned char)a[(i * 37 + 5) % 4096] + (unsigned char)a[4096 + i % 4096]; } printf("%u\n", sum); return 0; }
