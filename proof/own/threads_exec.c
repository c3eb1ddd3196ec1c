// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
// Another thread than the first executes a program; before that, one forks.
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static void *work(void *a) { pid_t c = fork(); if (c == 0) _exit(7); int s; waitpid(c, &s, 0); printf("%d\n", WEXITSTATUS(s)); fflush(stdout); execl("/bin/echo", "echo", "from", "a", "thread", (char *)0); return a; }
int main(void) { pthread_t t; pthread_create(&t, NULL, work, NULL); for (;;) pause(); }
