// SPDX-License-Identifier: Apache-2.0
// A daemon of the old school: two forks, a session, no descriptors, another folder and mask.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>
static void hup(int n) { int f = open("reloaded", O_CREAT | O_WRONLY, 0666); write(f, "again\n", 6); close(f); }
int main(void) {
    char place[4096]; getcwd(place, sizeof place); int tell[2]; pipe(tell);
    if (fork() == 0) {
        setsid();
        if (fork()) _exit(0);
        struct rlimit l; getrlimit(RLIMIT_NOFILE, &l);
        for (long fd = 0; fd < (long)l.rlim_cur && fd < 70000; fd++) if (fd != tell[1]) close(fd);
        int null = open("/dev/null", O_RDWR); dup(null); dup(null); umask(0); chdir("/"); chdir(place);
        signal(SIGHUP, hup); sigset_t m; sigfillset(&m); sigdelset(&m, SIGHUP); sigdelset(&m, SIGTERM);
        FILE *f = fopen("daemon.log", "w"); fprintf(f, "first descriptor %d, log %d, session %d, parent gone %d\n", null, fileno(f), getsid(0) != getpid(), 1); fclose(f);
        openlog("proof", LOG_PID, LOG_DAEMON);
        sigset_t h; sigemptyset(&h); sigaddset(&h, SIGHUP); sigprocmask(SIG_BLOCK, &h, NULL); pid_t me = getpid(); write(tell[1], &me, sizeof me); sigsuspend(&m); write(tell[1], "r", 1);
        for (;;) sigsuspend(&m);
    }
    wait(NULL); pid_t d = 0; read(tell[0], &d, sizeof d); kill(d, SIGHUP); char c; read(tell[0], &c, 1); printf("%c %d\n", c, getsid(d) != getsid(0)); close(tell[1]); kill(d, SIGTERM);
    printf("%zd\n", read(tell[0], &c, 1)); // At its end, when the daemon is gone.
    fflush(stdout); pid_t other = fork();
    if (other == 0 && daemon(1, 1) == 0) { FILE *f = fopen("libc.log", "w"); fprintf(f, "by the library %d\n", getsid(0) == getpid()); fclose(f); close(open("libc.done", O_CREAT | O_WRONLY, 0600)); _exit(0); }
    if (other == 0) _exit(1);
    int s; waitpid(other, &s, 0); printf("%d\n", s); while (access("libc.done", F_OK)) usleep(1000);
    return 0;
}
