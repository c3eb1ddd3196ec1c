// SPDX-License-Identifier: Apache-2.0
// Twenty thousand arguments and four thousand variables, one of 100,000 bytes; too many of them.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(int n, char **v) {
    if (n > 1) { unsigned long h = 0; int e = 0; for (int i = 1; i < n; i++) for (char *c = v[i]; *c; c++) h = h * 31 + *c; for (char **p = environ; *p; p++, e++) for (char *c = *p; *c; c++) h = h * 31 + *c; printf("%d %d %lx %zu %d\n", n, e, h, strlen(v[n - 1]), (char *)getauxval(AT_EXECFN) > v[n - 1]); FILE *f = fopen("/proc/self/cmdline", "r"); long size = 0; int c, zeros = 0; while ((c = getc(f)) != EOF) { size++; zeros += c == 0; } printf("%ld %d\n", size, zeros); f = fopen("/proc/self/environ", "r"); for (size = 0; getc(f) != EOF; size++); printf("%ld\n", size); return 5; }
    char **a = calloc(30000, sizeof *a), **e = calloc(5000, sizeof *e); for (int i = 0; i < 20000; i++) asprintf(&a[i], "argument-%d", i); a[20000] = malloc(100001); memset(a[20000], 'x', 100000); a[20000][100000] = 0; for (int i = 0; i < 4000; i++) asprintf(&e[i], "VARIABLE_%d=%*d", i, i % 60, i); int s; if (fork() == 0) { execve("/proc/self/exe", a, e); _exit(errno); } wait(&s); printf("%d\n", WEXITSTATUS(s)); fflush(stdout); for (int i = 1; i < 29990; i++) { a[i] = a[20000]; } if (fork() == 0) { execve("/proc/self/exe", a, e); _exit(errno); } wait(&s); printf("%d\n", WEXITSTATUS(s)); return 0;
}
