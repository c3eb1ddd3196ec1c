// SPDX-License-Identifier: Apache-2.0
// prctl: names, a signal when the parent dies, subreapers, dumpable, no new privileges.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
static int through[2];
static void died(int number) { char c = 'd'; write(through[1], &c, 1); _exit(0); }
int main(void) {
    char name[32] = "";
    prctl(PR_SET_NAME, "a name longer than fifteen");
    prctl(PR_GET_NAME, name);
    FILE *comm = fopen("/proc/self/comm", "r");
    char line[64] = ""; fgets(line, 64, comm);
    printf("%s %s", name, line);
    FILE *status = fopen("/proc/self/status", "r"); fgets(line, 64, status); fputs(line, stdout);
    FILE *stat_file = fopen("/proc/self/stat", "r"); char stat_line[512]; fgets(stat_line, 512, stat_file);
    printf("%.20s\n", strchr(stat_line, '('));
    comm = fopen("/proc/self/comm", "w"); fputs("by file", comm); fclose(comm);
    prctl(PR_GET_NAME, name); puts(name);
    printf("%d\n", prctl(PR_SET_CHILD_SUBREAPER, 1)); int is = 0; prctl(PR_GET_CHILD_SUBREAPER, &is); printf("%d\n", is);
    pipe(through); fflush(stdout);
    if (fork() == 0) {
        if (fork() == 0) {
            signal(SIGUSR1, died); prctl(PR_SET_PDEATHSIG, SIGUSR1); int of; prctl(PR_GET_PDEATHSIG, &of);
            printf("%d\n", of == SIGUSR1); fflush(stdout); char c = 'r'; write(through[1], &c, 1);
            for (;;) pause();
        }
        char c; read(through[0], &c, 1); _exit(c == 'r' ? 3 : 4);
    }
    int s; wait(&s); printf("%d\n", WEXITSTATUS(s));
    char c; read(through[0], &c, 1); printf("%c\n", c);
    printf("%d\n", wait(&s) > 0 && s == 0); // The orphan became a child of the subreaper.
    printf("%d ", prctl(PR_GET_DUMPABLE)); prctl(PR_SET_DUMPABLE, 0); printf("%d ", prctl(PR_GET_DUMPABLE)); prctl(PR_SET_DUMPABLE, 1);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); printf("%d ", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    printf("%d %d ", prctl(PR_SET_TIMERSLACK, 1000), prctl(PR_GET_TIMERSLACK)); printf("%d %d\n", prctl(9999), errno);
    return 0;
}
