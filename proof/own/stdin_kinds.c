// SPDX-License-Identifier: Apache-2.0
// libraries: -lutil
// The same program with its input closed, a pipe, a file, a socket, a terminal, a folder, /dev/zero.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
static void child(int fd, const char *what) { fflush(stdout); if (fork() == 0) { if (fd < 0) close(0); else { dup2(fd, 0); if (fd) close(fd); } execl("/proc/self/exe", "again", what, NULL); _exit(99); } int s; wait(&s); if (s) printf("ended %d\n", s); }
int main(int n, char **v) {
    if (n > 1) { struct stat s; char b[64] = ""; int r = fstat(0, &s), pending = -1; struct termios t; printf("%s: %d %o ", v[1], r, r ? 0 : s.st_mode & S_IFMT); printf("%d %ld ", isatty(0), (long)lseek(0, 0, SEEK_CUR)); printf("%d %d ", ioctl(0, FIONREAD, &pending), pending); printf("%d ", tcgetattr(0, &t)); ssize_t got = read(0, b, 10); printf("%zd %s %d\n", got, got > 0 && *b ? b : "", got < 0 ? errno : 0); return 0; }
    int p[2]; pipe(p); write(p[1], "piped", 5); child(p[0], "pipe"); close(p[1]); child(p[0], "ended pipe"); int f = open("file", O_CREAT | O_RDWR, 0600); write(f, "in a file", 9); lseek(f, 3, SEEK_SET); child(f, "file"); printf("%ld\n", (long)lseek(f, 0, SEEK_CUR)); child(-1, "closed"); int s[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, s); write(s[0], "socket", 6); child(s[1], "socket"); int m, t; openpty(&m, &t, NULL, NULL, NULL); write(m, "typed\n", 6); child(t, "terminal"); child(open("/", O_RDONLY), "folder"); child(open("/dev/zero", O_RDONLY), "zeros"); child(open("file", O_WRONLY), "for writing"); child(open("file", O_PATH), "path"); child(open("/dev/null", O_RDONLY), "null"); return 0;
}
