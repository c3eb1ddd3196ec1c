// SPDX-License-Identifier: Apache-2.0
// signalfd, eventfd, timerfd and pidfd in one epoll; nested, one-shot, edge-triggered, exclusive.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    sigset_t m; sigemptyset(&m); sigaddset(&m, SIGCHLD); sigaddset(&m, SIGUSR1); sigaddset(&m, SIGRTMIN); sigprocmask(SIG_BLOCK, &m, NULL);
    int s = signalfd(-1, &m, SFD_NONBLOCK), e = eventfd(0, EFD_NONBLOCK), t = timerfd_create(CLOCK_MONOTONIC, 0), inner = epoll_create1(EPOLL_CLOEXEC), outer = epoll_create1(0);
    struct itimerspec when = {{0, 0}, {0, 3000000}}; timerfd_settime(t, 0, &when, NULL);
    pid_t c = fork(); if (c == 0) { sigqueue(getppid(), SIGRTMIN, (union sigval){.sival_int = 77}); _exit(6); }
    int p = syscall(SYS_pidfd_open, c, 0); int all[] = {s, e, t, p}; for (int i = 0; i < 4; i++) epoll_ctl(inner, EPOLL_CTL_ADD, all[i], &(struct epoll_event){EPOLLIN | (i == 1 ? EPOLLONESHOT : 0), {.u32 = i}});
    epoll_ctl(outer, EPOLL_CTL_ADD, inner, &(struct epoll_event){EPOLLIN, {.u32 = 99}}); eventfd_write(e, 5); kill(getpid(), SIGUSR1);
    int seen = 0, rounds = 0, got_child = 0, got_usr = 0, got_rt = 0; unsigned long counted = 0, expired = 0;
    while ((seen != 15 || !got_child || !got_rt) && rounds++ < 1000) {
        struct epoll_event o, ev[8]; if (epoll_wait(outer, &o, 1, 5000) != 1 || o.data.u32 != 99) break;
        int n = epoll_wait(inner, ev, 8, 0);
        for (int i = 0; i < n; i++) { seen |= 1 << ev[i].data.u32; struct signalfd_siginfo f; if (ev[i].data.u32 == 0) while (read(s, &f, sizeof f) == sizeof f) { if (f.ssi_signo == SIGCHLD) got_child = f.ssi_status == 6 && f.ssi_pid == c; if (f.ssi_signo == SIGUSR1) got_usr++; if (f.ssi_signo == SIGRTMIN) got_rt = f.ssi_int; } if (ev[i].data.u32 == 1) read(e, &counted, 8); if (ev[i].data.u32 == 2) read(t, &expired, 8); if (ev[i].data.u32 == 3) epoll_ctl(inner, EPOLL_CTL_DEL, p, NULL); }
    }
    printf("%d %d %d %d %lu %lu\n", seen, got_child, got_usr, got_rt, counted, expired); eventfd_write(e, 1); struct epoll_event ev[2]; printf("%d ", epoll_wait(inner, ev, 2, 0)); epoll_ctl(inner, EPOLL_CTL_MOD, e, &(struct epoll_event){EPOLLIN | EPOLLET, {.u32 = 1}}); printf("%d %d\n", epoll_wait(inner, ev, 2, 0), epoll_wait(inner, ev, 2, 0));
    siginfo_t i; printf("%d %d %d\n", waitid(P_PIDFD, p, &i, WEXITED), i.si_status, i.si_code); printf("%ld %d\n", syscall(SYS_pidfd_send_signal, p, 0, NULL, 0), errno); return 0;
}
