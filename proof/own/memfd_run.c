// SPDX-License-Identifier: Apache-2.0
// Programs and libraries without a file: sealed memfds, fexecve, execveat, dlopen of /proc/self/fd.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static int copy(const char *path, const char *name) { int f = open(path, O_RDONLY), m = memfd_create(name, MFD_ALLOW_SEALING); struct stat s; fstat(f, &s); off_t at = 0; while (at < s.st_size && sendfile(m, f, &at, s.st_size - at) > 0); close(f); return m; }
int main(int n, char **v) {
    if (n > 1) { printf("again %s\n", v[1]); return 4; }
    int m = copy("/proc/self/exe", "program"), s; printf("%d %x\n", fcntl(m, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), fcntl(m, F_GET_SEALS)); printf("%zd %d\n", write(m, "x", 1), errno); fflush(stdout);
    char *a[] = {"name", "by fexecve", NULL}; if (fork() == 0) { fexecve(m, a, environ); _exit(99); } wait(&s); printf("%d\n", WEXITSTATUS(s)); fflush(stdout);
    a[1] = "by execveat"; if (fork() == 0) { syscall(SYS_execveat, m, "", a, environ, AT_EMPTY_PATH); _exit(99); } wait(&s); printf("%d\n", WEXITSTATUS(s)); fflush(stdout);
    a[1] = "by its path"; char p[64]; sprintf(p, "/proc/self/fd/%d", m); if (fork() == 0) { execve(p, a, environ); _exit(99); } wait(&s); printf("%d\n", WEXITSTATUS(s));
    int l = copy("/lib/x86_64-linux-gnu/libz.so.1", "library"); if (l >= 0) { sprintf(p, "/proc/self/fd/%d", l); void *h = dlopen(p, RTLD_NOW); const char *(*z)(void) = h ? dlsym(h, "zlibVersion") : NULL; printf("%d %d\n", h != NULL, z && z()[0] == '1'); }
    a[1] = "script"; int sh = memfd_create("script", 0); dprintf(sh, "#!/bin/sh\necho from a script $1\nexit 6\n"); fflush(stdout); if (fork() == 0) { fexecve(sh, a, environ); _exit(99); } wait(&s); printf("%d\n", WEXITSTATUS(s));
    int c = memfd_create("cloexec", MFD_CLOEXEC); dprintf(c, "#!/bin/sh\nexit 6\n"); if (fork() == 0) { fexecve(c, a, environ); _exit(errno); } wait(&s); printf("%d\n", WEXITSTATUS(s)); return 0;
}
