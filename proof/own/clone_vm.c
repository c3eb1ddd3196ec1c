// SPDX-License-Identifier: Apache-2.0
// seconds: 60
// said: shares its memory
// clone of a process that shares memory.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
static char stack[65536]; static int shared;
static int child(void *a) { shared = 7; return 3; }
int main(void) { int s, pid = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL); if (pid < 0) { perror("clone"); return 9; } waitpid(pid, &s, 0); printf("%d %d\n", shared, WEXITSTATUS(s)); return 0; }
