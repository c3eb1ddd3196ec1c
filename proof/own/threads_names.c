// SPDX-License-Identifier: Apache-2.0
// flags: -O1 -pthread
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *work(void *a) { char n[16]; pthread_setname_np(pthread_self(), "worker"); pthread_getname_np(pthread_self(), n, 16); printf("%s %d\n", n, (int)syscall(SYS_gettid) != getpid()); size_t s; void *at; pthread_attr_t t; pthread_getattr_np(pthread_self(), &t); pthread_attr_getstack(&t, &at, &s); printf("%d\n", (char *)&t > (char *)at && (char *)&t < (char *)at + s); return a; }
int main(void) { char n[16] = ""; prctl(PR_GET_NAME, n); printf("%s\n", n); pthread_t t; pthread_create(&t, NULL, work, NULL); pthread_join(t, NULL); cpu_set_t c; printf("%d %d\n", sched_getaffinity(0, sizeof c, &c), CPU_COUNT(&c) > 0); return 0; }
