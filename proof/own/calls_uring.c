// SPDX-License-Identifier: Apache-2.0
// io_uring by hand: write, read, and a timeout.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) { struct io_uring_params p = {0}; int r = syscall(SYS_io_uring_setup, 8, &p); if (r < 0) { puts("none"); return 0; } unsigned char *q = mmap(NULL, p.sq_off.array + p.sq_entries * 4, 3, MAP_SHARED | MAP_POPULATE, r, IORING_OFF_SQ_RING), *c = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), 3, MAP_SHARED | MAP_POPULATE, r, IORING_OFF_CQ_RING); struct io_uring_sqe *e = mmap(NULL, p.sq_entries * sizeof *e, 3, MAP_SHARED | MAP_POPULATE, r, IORING_OFF_SQES); int f = open("made", O_RDWR | O_CREAT | O_TRUNC, 0600); char out[] = "through the ring", in[32] = "";
    for (int i = 0; i < 2; i++) { memset(&e[i], 0, sizeof *e); e[i].opcode = i ? IORING_OP_READ : IORING_OP_WRITE; e[i].fd = f; e[i].addr = (long)(i ? in : out); e[i].len = 17; e[i].user_data = i + 70; unsigned *tail = (unsigned *)(q + p.sq_off.tail), *array = (unsigned *)(q + p.sq_off.array); array[*tail & 7] = i; __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE); long n = syscall(SYS_io_uring_enter, r, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0); unsigned *head = (unsigned *)(c + p.cq_off.head); struct io_uring_cqe *x = (struct io_uring_cqe *)(c + p.cq_off.cqes) + (*head & (p.cq_entries - 1)); printf("%ld %lu %d\n", n, (long)x->user_data, x->res); __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE); } puts(in); return 0; }
