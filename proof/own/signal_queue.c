// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/signalfd.h>
static void show(int n, siginfo_t *i, void *c) { (void)c; printf("handler %d %d %d\n", n == SIGRTMIN + 1, i->si_value.sival_int, i->si_code == SI_QUEUE); }
int main(void) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < 4; i++) sigaddset(&set, SIGRTMIN + i);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 4; i++) sigqueue(getpid(), SIGRTMIN + 3 - i, (union sigval){.sival_int = i * 10});
    kill(getpid(), SIGUSR1);
    siginfo_t info;
    printf("%d %d\n", sigwaitinfo(&set, &info) == SIGUSR1, info.si_pid == getpid());
    printf("%d", sigwaitinfo(&set, &info) == SIGRTMIN); printf(" %d\n", info.si_value.sival_int);
    struct sigaction a = {.sa_sigaction = show, .sa_flags = SA_SIGINFO};
    sigaction(SIGRTMIN + 1, &a, NULL);
    sigset_t one; sigemptyset(&one); sigaddset(&one, SIGRTMIN + 1);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    int fd = signalfd(-1, &set, 0);
    struct signalfd_siginfo s[4];
    long n = read(fd, s, sizeof s) / (long)sizeof s[0];
    for (long i = 0; i < n; i++) printf("fd %d %d\n", s[i].ssi_signo - SIGRTMIN, s[i].ssi_int);
    return 0;
}
