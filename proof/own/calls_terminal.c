// SPDX-License-Identifier: Apache-2.0
// libraries: -lutil
#define _GNU_SOURCE
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
int main(void) { int m, s; struct winsize w = {24, 80, 0, 0}, g; openpty(&m, &s, NULL, NULL, &w); ioctl(s, TIOCGWINSZ, &g); printf("%d %d %d\n", g.ws_row, g.ws_col, isatty(s)); struct termios t; tcgetattr(s, &t); printf("%x\n", t.c_lflag); cfmakeraw(&t); tcsetattr(s, TCSANOW, &t); write(m, "raw", 3); char b[64] = ""; printf("%zd ", read(s, b, 64)); puts(b); pid_t c = forkpty(&m, NULL, NULL, &w); if (c == 0) { printf("child %d\n", isatty(1)); fflush(stdout); _exit(2); } memset(b, 0, 64); read(m, b, 64); b[strcspn(b, "\r\n")] = 0; puts(b); int st; waitpid(c, &st, 0); printf("%d\n", WEXITSTATUS(st)); return 0; }
