// SPDX-License-Identifier: Apache-2.0
// A read that a timer interrupts: restarted, or failed with EINTR.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>
static int ends[2]; static volatile int ticks;
static void tick(int n) { (void)n; if (++ticks == 2) if (write(ends[1], "x", 1) != 1) _exit(9); }
int main(void) {
    if (pipe(ends)) return 9;
    struct sigaction a = {.sa_handler = tick};
    sigaction(SIGALRM, &a, NULL);
    struct itimerval once = {{0, 0}, {0, 50000}};
    setitimer(ITIMER_REAL, &once, NULL);
    char c; printf("%zd %d %d\n", read(ends[0], &c, 1), errno == EINTR, ticks);
    a.sa_flags = SA_RESTART; sigaction(SIGALRM, &a, NULL);
    setitimer(ITIMER_REAL, &once, NULL);
    printf("%zd %d\n", read(ends[0], &c, 1), ticks);
    return 0;
}
