// SPDX-License-Identifier: Apache-2.0
// inotify of moves and attributes, fanotify of opens, dnotify, leases, signals of descriptors.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
static volatile int got, from;
static void on(int n, siginfo_t *i, void *c) { got = i->si_signo; from = i->si_fd; }
int main(void) {
    mkdir("d", 0700); int i = inotify_init1(IN_NONBLOCK), w = inotify_add_watch(i, "d", IN_ALL_EVENTS); int f = open("d/a", O_CREAT | O_RDWR, 0600); write(f, "x", 1); rename("d/a", "d/b"); fchmod(f, 0644); ftruncate(f, 0); close(f); unlink("d/b"); inotify_rm_watch(i, w); int pending; ioctl(i, FIONREAD, &pending); printf("%d\n", pending);
    char b[4096] __attribute__((aligned(8))); ssize_t n = read(i, b, sizeof b); unsigned cookie = 0; for (char *at = b; at < b + n;) { struct inotify_event *e = (void *)at; if (e->mask & IN_MOVED_FROM) cookie = e->cookie; printf("%x %s%s\n", e->mask, e->len ? e->name : "", e->mask & IN_MOVED_TO && e->cookie == cookie ? " moved" : ""); at += sizeof *e + e->len; }
    int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY);
    if (fan >= 0) { printf("%d\n", fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, AT_FDCWD, "d")); close(open("d/c", O_CREAT | O_WRONLY, 0600)); n = read(fan, b, sizeof b); for (struct fanotify_event_metadata *m = (void *)b; FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) { printf("%llx %d %d\n", (unsigned long long)m->mask, m->fd >= 0, m->pid == getpid()); close(m->fd); } } else printf("no fanotify %d\n", errno);
    struct sigaction a = {.sa_sigaction = on, .sa_flags = SA_SIGINFO}; sigaction(SIGRTMIN + 1, &a, NULL); sigaction(SIGIO, &a, NULL); int d = open("d", O_RDONLY); fcntl(d, F_SETSIG, SIGRTMIN + 1); fcntl(d, F_NOTIFY, DN_CREATE); close(open("d/e", O_CREAT | O_WRONLY, 0600)); printf("%d %d\n", got == SIGRTMIN + 1, from == d);
    int p[2]; pipe(p); got = 0; fcntl(p[0], F_SETOWN, getpid()); fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK); write(p[1], "x", 1); while (!got) usleep(1000); printf("%d\n", got == SIGIO);
    struct f_owner_ex o = {F_OWNER_PID, getpid()}; printf("%d ", fcntl(p[0], F_SETOWN_EX, &o)); memset(&o, 0, sizeof o); fcntl(p[0], F_GETOWN_EX, &o); printf("%d %d\n", o.type, o.pid == getpid()); printf("%d ", fcntl(p[1], F_SETPIPE_SZ, 1 << 16)); printf("%d\n", fcntl(p[1], F_GETPIPE_SZ));
    int r = open("d/c", O_RDONLY); printf("%d ", fcntl(r, F_SETLEASE, F_RDLCK)); printf("%d\n", fcntl(r, F_GETLEASE)); return 0;
}
