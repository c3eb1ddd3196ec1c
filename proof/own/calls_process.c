// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <unistd.h>
extern char **environ;
int main(void) { pid_t c; char *a[] = {"sh", "-c", "exit 6", NULL}; posix_spawn(&c, "/bin/sh", NULL, NULL, a, environ); int s; struct rusage u; wait4(c, &s, 0, &u); printf("%d %d\n", WEXITSTATUS(s), u.ru_maxrss > 0); if ((c = vfork()) == 0) _exit(4); waitpid(c, &s, 0); printf("%d\n", WEXITSTATUS(s)); printf("%d\n", system("exit 3") >> 8); FILE *p = popen("echo piped", "r"); char b[64] = ""; fgets(b, 64, p); printf("%s%d\n", b, pclose(p)); int fd = syscall(SYS_pidfd_open, getpid(), 0); printf("%d\n", fd >= 0); struct rlimit l; getrlimit(RLIMIT_NOFILE, &l); printf("%lu\n", l.rlim_cur); l.rlim_cur = 100; setrlimit(RLIMIT_NOFILE, &l); prlimit(0, RLIMIT_NOFILE, NULL, &l); printf("%lu\n", l.rlim_cur); printf("%d\n", dup2(1, 100)); getrlimit(RLIMIT_STACK, &l); printf("%lu\n", l.rlim_cur); syscall(SYS_getrlimit, RLIMIT_NPROC, &l); printf("%d\n", l.rlim_cur > 0);
    struct utsname n; uname(&n); puts(n.sysname); prctl(PR_SET_NAME, "renamed"); prctl(PR_GET_NAME, b); puts(b); struct sysinfo i; sysinfo(&i); printf("%d\n", i.totalram > 0); printf("%d %d %d\n", getpgrp() == getpgid(0), getsid(0) > 0, sched_getscheduler(0)); struct sched_param q; sched_getparam(0, &q); printf("%d %d\n", q.sched_priority, getpriority(PRIO_PROCESS, 0) <= 20); unsigned cpu; printf("%d\n", getcpu(&cpu, NULL)); struct { unsigned v; int p; } h = {0x20080522, 0}; unsigned d[6]; long got = syscall(SYS_capget, &h, d); printf("%ld %d\n", got, d[0] == d[1]); gid_t g[64]; printf("%d\n", getgroups(64, g) >= 0); uid_t r, e, w; getresuid(&r, &e, &w); printf("%d\n", r == e); if ((c = fork()) == 0) { setpgid(0, 0); prctl(PR_SET_PDEATHSIG, 9); nice(3); _exit(getpriority(PRIO_PROCESS, 0) & 15); } waitpid(c, &s, 0); printf("%d\n", s == ((getpriority(PRIO_PROCESS, 0) + 3) & 15) << 8); struct tms t; printf("%d\n", times(&t) != -1); FILE *o = fopen("/proc/self/comm", "r"); fgets(b, 64, o); printf("%s", b); printf("%ld %ld\n", syscall(SYS_membarrier, 0, 0, 0) > 0, syscall(SYS_getpid) == getpid()); return 0; }
