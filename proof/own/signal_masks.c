// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>
#include <errno.h>
static volatile int seen;
static void count(int n) { (void)n; seen++; }
int main(void) {
    sigset_t all, none; sigfillset(&all); sigemptyset(&none);
    sigset_t one; sigemptyset(&one); sigaddset(&one, SIGUSR1);
    signal(SIGUSR1, count);
    sigprocmask(SIG_BLOCK, &one, NULL);
    raise(SIGUSR1); printf("%d ", seen);
    printf("%d %d ", ppoll(NULL, 0, NULL, &none), errno == EINTR); printf("%d\n", seen);
    raise(SIGUSR1); struct timespec t = {5, 0};
    printf("%d %d ", pselect(0, NULL, NULL, NULL, &t, &none), errno == EINTR); printf("%d\n", seen);
    raise(SIGUSR1); struct epoll_event e; int p = epoll_create1(0);
    printf("%d %d ", epoll_pwait(p, &e, 1, -1, &none), errno == EINTR); printf("%d\n", seen);
    raise(SIGUSR1); sigsuspend(&none); printf("%d\n", seen);
    raise(SIGUSR1); sigset_t pending; sigpending(&pending); printf("%d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));
    return 0;
}
