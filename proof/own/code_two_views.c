// SPDX-License-Identifier: Apache-2.0
// A compiler that writes through one mapping and runs through another.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) { int fd = memfd_create("code", 0); ftruncate(fd, 8192); uint8_t *w = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); int (*x)(void) = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0); long sum = 0; for (int i = 0; i < 500; i++) { uint8_t c[] = {0xb8, 0, 0, 0, 0, 0xc3}; memcpy(c + 1, &i, 4); memcpy(w, c, 6); sum += x(); if (i % 100 == 0) { c[1] ^= 1; pwrite(fd, c, 6, 0); sum += x() * 1000; } } printf("%ld\n", sum); return 0; }
