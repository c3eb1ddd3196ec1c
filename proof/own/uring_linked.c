// SPDX-License-Identifier: Apache-2.0
// io_uring without its library: linked requests, registered buffers and files, timeouts, accept.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
static struct io_uring_params p; static char *sq, *cq; static struct io_uring_sqe *e; static int r;
static struct io_uring_sqe *next(int op, int fd, void *a, unsigned len, long off, int flags, long data) { unsigned *tail = (unsigned *)(sq + p.sq_off.tail), mask = *(unsigned *)(sq + p.sq_off.ring_mask), i = *tail & mask; memset(&e[i], 0, sizeof *e); e[i].opcode = op; e[i].fd = fd; e[i].addr = (long)a; e[i].len = len; e[i].off = off; e[i].flags = flags; e[i].user_data = data; ((unsigned *)(sq + p.sq_off.array))[i] = i; __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE); return &e[i]; }
static void go(int n) { printf("%ld:", syscall(SYS_io_uring_enter, r, n, n, IORING_ENTER_GETEVENTS, NULL, 0)); int sum = 0; unsigned *head = (unsigned *)(cq + p.cq_off.head), *tail = (unsigned *)(cq + p.cq_off.tail), mask = *(unsigned *)(cq + p.cq_off.ring_mask); int by[32]; for (int i = 0; i < 32; i++) by[i] = 9999; while (*head != __atomic_load_n(tail, __ATOMIC_ACQUIRE)) { struct io_uring_cqe *c = (struct io_uring_cqe *)(cq + p.cq_off.cqes) + (*head & mask); by[c->user_data & 31] = c->res; ++*head; } for (int i = 0; i < 32; i++) if (by[i] != 9999) printf(" %d=%d", i, by[i]); puts(""); }
int main(void) {
    r = syscall(SYS_io_uring_setup, 8, &p); if (r < 0) { printf("none\n"); return 0; }
    sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r, IORING_OFF_SQ_RING); cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r, IORING_OFF_CQ_RING); e = mmap(NULL, p.sq_entries * sizeof *e, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r, IORING_OFF_SQES);
    int f = open("data", O_CREAT | O_RDWR, 0600); char a[64] = "linked writes", b[64] = "", c[64] = ""; next(IORING_OP_WRITE, f, a, 14, 0, IOSQE_IO_LINK, 1); next(IORING_OP_FSYNC, f, NULL, 0, 0, IOSQE_IO_LINK, 2); next(IORING_OP_READ, f, b, 64, 0, 0, 3); go(3); puts(b);
    static char area[4096]; struct iovec v = {area, 4096}; printf("%ld ", syscall(SYS_io_uring_register, r, IORING_REGISTER_BUFFERS, &v, 1)); printf("%ld\n", syscall(SYS_io_uring_register, r, IORING_REGISTER_FILES, &f, 1)); next(IORING_OP_READ_FIXED, 0, area + 100, 20, 2, IOSQE_FIXED_FILE, 4)->buf_index = 0; go(1); puts(area + 100);
    int s[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, s); next(IORING_OP_RECV, s[1], c, 64, 0, 0, 5); next(IORING_OP_SEND, s[0], "message", 8, 0, 0, 6); go(2); puts(c); struct __kernel_timespec t = {0, 1000000}; next(IORING_OP_TIMEOUT, -1, &t, 1, 0, 0, 7); go(1); next(IORING_OP_NOP, 0, NULL, 0, 0, 0, 8); next(IORING_OP_OPENAT, AT_FDCWD, "made", 0600, 0, 0, 9)->open_flags = O_CREAT | O_WRONLY; next(IORING_OP_CLOSE, 77, NULL, 0, 0, 0, 10); go(3); char st[256]; memset(st, 0, 256); next(IORING_OP_STATX, AT_FDCWD, "data", 0x7ff, (long)st, 0, 11); go(1); printf("%ld\n", *(long *)(st + 40)); struct iovec w[2] = {{b, 3}, {c, 5}}; memset(b, 0, 64); memset(c, 0, 64); next(IORING_OP_READV, f, w, 2, 1, 0, 12); go(1); printf("%s %s\n", b, c); return 0;
}
