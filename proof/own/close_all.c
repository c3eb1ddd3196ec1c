// SPDX-License-Identifier: Apache-2.0
// Every descriptor closed, in three ways; what is opened then has the lowest numbers.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static void after(int kept, const char *how) {
    int a = open("/dev/null", O_RDWR), p[2]; pipe(p); int s = socket(AF_UNIX, SOCK_STREAM, 0), d = dup(a), last = fcntl(a, F_DUPFD, 100);
    dprintf(kept, "%s: %d %d %d %d %d %d\n", how, a, p[0], p[1], s, d, last); _exit(0);
}
int main(void) {
    int kept = fcntl(1, F_DUPFD, 50);
    if (fork() == 0) { for (int i = 0; i < 1024; i++) if (i != kept) close(i); after(kept, "close"); } wait(NULL);
    if (fork() == 0) { syscall(436, 0, kept - 1, 0); syscall(436, kept + 1, ~0u, 0); after(kept, "close_range"); } wait(NULL);
    if (fork() == 0) { closefrom(kept + 1); after(kept, "closefrom"); } wait(NULL);
    if (fork() == 0) { DIR *d = opendir("/proc/self/fd"); struct dirent *e; int n = 0, f[4096]; while ((e = readdir(d))) if (*e->d_name != '.') f[n++] = atoi(e->d_name); dprintf(kept, "%d listed:", n); for (int i = 0; i < n; i++) if (f[i] != dirfd(d)) dprintf(kept, " %d", f[i]); dprintf(kept, "\n"); for (int i = 0; i < n; i++) if (f[i] != kept) close(f[i]); after(kept, "listed"); } wait(NULL);
    if (fork() == 0) { for (int i = 0; i < 3; i++) close(i); execl("/bin/sh", "sh", "-c", "exec >with_none; ls -l /proc/self/fd | wc -l; echo x >&2; read a; echo $? $a", NULL); } int s; wait(&s); dprintf(kept, "%d\n", WEXITSTATUS(s));
    if (fork() == 0) { struct rlimit l = {8, 8}; setrlimit(RLIMIT_NOFILE, &l); int n = 0; while (open("/dev/null", O_RDONLY) >= 0) n++; dprintf(kept, "%d more\n", n); _exit(0); } wait(NULL);
    return 0;
}
