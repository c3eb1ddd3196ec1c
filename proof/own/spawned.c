// SPDX-License-Identifier: Apache-2.0
// posix_spawn with actions and attributes, vfork, exec in all its forms, and how each fails.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static int status(pid_t c) { int s; while (waitpid(c, &s, 0) < 0 && errno == EINTR); return WIFEXITED(s) ? WEXITSTATUS(s) : 1000 + WTERMSIG(s); }
int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0); posix_spawn_file_actions_t f; posix_spawn_file_actions_init(&f); posix_spawn_file_actions_addopen(&f, 1, "out", O_CREAT | O_WRONLY, 0644); posix_spawn_file_actions_adddup2(&f, 1, 2); posix_spawn_file_actions_addclose(&f, 0); mkdir("inner", 0700); posix_spawn_file_actions_addchdir_np(&f, "inner");
    posix_spawnattr_t a; posix_spawnattr_init(&a); posix_spawnattr_setflags(&a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP); sigset_t m; sigemptyset(&m); sigaddset(&m, SIGUSR2); posix_spawnattr_setsigmask(&a, &m); sigemptyset(&m); sigaddset(&m, SIGPIPE); posix_spawnattr_setsigdefault(&a, &m); signal(SIGPIPE, SIG_IGN);
    pid_t c; char *v[] = {"sh", "-c", "basename $(pwd); grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd | wc -l; ps -o pgid= $$ | tr -d ' ' | grep -qx $$ && echo leads", NULL}; printf("%d ", posix_spawn(&c, "/bin/sh", &f, &a, v, environ)); printf("%d\n", status(c));
    printf("%d ", posix_spawn(&c, "/none", NULL, NULL, v, environ)); printf("%d ", posix_spawnp(&c, "true", NULL, NULL, (char *[]){"true", NULL}, environ)); printf("%d\n", status(c));
    volatile int shared = 1; if ((c = vfork()) == 0) { shared = 2; execl("/none", "none", NULL); shared = errno; _exit(3); } printf("%d %d\n", status(c), shared);
    FILE *s = fopen("plain", "w"); fputs("echo without interpreter $1 $0; exit 5\n", s); fclose(s); chmod("plain", 0755); if (fork() == 0) { execl("./plain", "x", "y", NULL); _exit(errno); } printf("%d ", status(-1)); if (fork() == 0) { execlp("./plain", "x", "y", NULL); _exit(errno); } printf("%d\n", status(-1));
    s = fopen("wrong", "w"); fputs("#!/none/interpreter\n", s); fclose(s); chmod("wrong", 0755); if (fork() == 0) { execl("./wrong", "x", NULL); _exit(errno); } printf("%d ", status(-1)); chmod("plain", 0644); if (fork() == 0) { execl("./plain", "x", NULL); _exit(errno); } printf("%d ", status(-1)); if (fork() == 0) { execl("inner", "x", NULL); _exit(errno); } printf("%d ", status(-1)); if (fork() == 0) { execl("plain/x", "x", NULL); _exit(errno); } printf("%d ", status(-1)); symlink("loop", "loop"); if (fork() == 0) { execl("loop", "x", NULL); _exit(errno); } printf("%d ", status(-1)); char *big = malloc(200000); memset(big, 'a', 199999); big[199999] = 0; if (fork() == 0) { execl("/bin/true", "x", big, NULL); _exit(errno); } printf("%d ", status(-1)); s = fopen("damaged", "w"); fwrite("\177ELF\2\1\1\0garbage", 1, 15, s); fclose(s); chmod("damaged", 0755); if (fork() == 0) { execl("./damaged", "x", NULL); _exit(errno); } printf("%d\n", status(-1));
    if (fork() == 0) { char *none[] = {NULL}; execve("/bin/echo", none, none); _exit(errno); } printf("%d ", status(-1)); if (fork() == 0) { execve("/bin/echo", NULL, NULL); _exit(errno); } printf("%d\n", status(-1)); if (fork() == 0) { execle("/usr/bin/env", "env", NULL, (char *[]){"A=1", "B", "=x", "A=2", NULL}); _exit(errno); } printf("%d\n", status(-1)); return 0;
}
