// SPDX-License-Identifier: Apache-2.0
// One memfd under two addresses, one System V segment attached twice.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>
int main(void) {
    int fd = memfd_create("two", 0); ftruncate(fd, 8192);
    char *a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *b = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
    strcpy(a + 4096, "through a"); puts(b); pwrite(fd, "written", 8, 4096); puts(b); a[4100] = 'X'; puts(b);
    int id = shmget(IPC_PRIVATE, 4096, 0600); int *c = shmat(id, NULL, 0), *d = shmat(id, NULL, 0); shmctl(id, IPC_RMID, NULL);
    for (int i = 0; i < 100; i++) { c[i] = i; d[i] += c[i]; } printf("%d %d\n", c[99], d[50]); __atomic_add_fetch(&c[0], 5, __ATOMIC_SEQ_CST); printf("%d\n", d[0]); shmdt(c); printf("%d\n", d[1]); return 0; }
