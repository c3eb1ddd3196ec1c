// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) { int e = eventfd(3, EFD_SEMAPHORE), p = epoll_create1(0), q[2]; pipe(q); struct epoll_event a = {EPOLLIN, {.u64 = 0x1122334455}}, out[4]; epoll_ctl(p, EPOLL_CTL_ADD, e, &a); a.data.u64 = 7; a.events |= EPOLLET; epoll_ctl(p, EPOLL_CTL_ADD, q[0], &a); write(q[1], "x", 1); int n = epoll_wait(p, out, 4, 1000); printf("%d", n); for (int i = 0; i < n; i++) printf(" %lx %x", (long)out[i].data.u64, out[i].events); puts("");
    uint64_t v; printf("%zd %lu\n", read(e, &v, 8), v); fd_set r, w; FD_ZERO(&r); FD_ZERO(&w); FD_SET(e, &r); FD_SET(q[1], &w); FD_SET(q[0], &r); struct timeval t = {1, 0}; printf("%d %d %d %d\n", select(20, &r, &w, NULL, &t), FD_ISSET(e, &r), FD_ISSET(q[1], &w), FD_ISSET(q[0], &r)); struct pollfd f[2] = {{e, POLLIN, 0}, {99, POLLIN, 0}}; printf("%d %d %d\n", poll(f, 2, 0), f[0].revents, f[1].revents); struct timespec s = {0, 5000000}; struct pollfd none = {q[1], POLLIN, 0}; printf("%d\n", ppoll(&none, 1, &s, NULL));
    int i = inotify_init1(IN_NONBLOCK); inotify_add_watch(i, ".", IN_CREATE | IN_DELETE); close(open("watched", O_CREAT | O_WRONLY, 0600)); unlink("watched"); char b[512]; long got = read(i, b, 512); for (char *at = b; at < b + got;) { struct inotify_event *x = (void *)at; printf("%x %s\n", x->mask, x->name); at += sizeof *x + x->len; } struct timespec z = {0, 1000}; printf("%ld\n", syscall(SYS_epoll_pwait2, p, out, 4, &z, NULL, 8)); return 0; }
