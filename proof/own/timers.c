// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
static volatile int seen;
static void on(int n, siginfo_t *i, void *c) { (void)n, (void)c; seen += i->si_value.sival_int; }
int main(void) {
    struct sigaction a = {.sa_sigaction = on, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN, &a, NULL);
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 5};
    timer_t timer; timer_create(CLOCK_MONOTONIC, &e, &timer);
    struct itimerspec once = {{0, 0}, {0, 20000000}}, left;
    timer_settime(timer, 0, &once, NULL);
    while (seen == 0) pause();
    timer_gettime(timer, &left); timer_delete(timer);
    int fd = timerfd_create(CLOCK_REALTIME, 0); timerfd_settime(fd, 0, &once, NULL);
    uint64_t times; long n = read(fd, &times, 8); timerfd_gettime(fd, &left);
    printf("%d %ld %lu %ld\n", seen, n, times, left.it_value.tv_sec);
    struct timespec z = {0, 1000000}; printf("%d %d\n", nanosleep(&z, NULL), clock_nanosleep(CLOCK_MONOTONIC, 0, &z, NULL));
    return 0;
}
