// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
// Thousands of signals: by a timer while it computes, by another process, by another thread.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile long ticks, sum, queued;
static void tick(int n) { ticks++; }
static void queue(int n, siginfo_t *i, void *c) { sum += i->si_value.sival_int; queued++; }
static pthread_t target;
static void *killer(void *a) { for (int i = 0; i < 2000; i++) { long before = ticks; pthread_kill(target, SIGUSR1); while (ticks == before) sched_yield(); } return NULL; }
int main(void) {
    signal(SIGALRM, tick); signal(SIGUSR1, tick);
    struct sigaction a = {.sa_sigaction = queue, .sa_flags = SA_SIGINFO}; sigaction(SIGRTMIN, &a, NULL);
    struct itimerval t = {{0, 200}, {0, 200}}; setitimer(ITIMER_REAL, &t, NULL);
    double x = 1; unsigned long h = 5381;
    while (ticks < 500) for (int i = 0; i < 100; i++) { x = x * 1.0000001 + 1e-9; h = h * 33 + i; }
    t.it_interval.tv_usec = t.it_value.tv_usec = 0; setitimer(ITIMER_REAL, &t, NULL);
    printf("%d\n", ticks >= 500 && x > 0);
    for (int i = 0; i < 5000; i++) raise(SIGUSR1);
    ticks = 0; target = pthread_self(); pthread_t k; pthread_create(&k, NULL, killer, NULL); pthread_join(k, NULL); printf("%ld\n", ticks);
    pid_t p = getpid(); fflush(stdout);
    if (fork() == 0) { for (int i = 1; i <= 3000; i++) { union sigval v = {.sival_int = i}; while (sigqueue(p, SIGRTMIN, v)) usleep(100); } _exit(0); }
    int s; while (queued < 3000) h = h * 33 + queued; while (waitpid(-1, &s, 0) < 0); printf("%ld %ld\n", queued, sum);
    return h == 1;
}
