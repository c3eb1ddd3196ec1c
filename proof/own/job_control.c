// SPDX-License-Identifier: Apache-2.0
// libraries: -lutil
// A session with a terminal of its own: foreground, background, stops and continuations.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
static volatile int resized;
static void winch(int n) { resized++; }
static const char *how(int s) { static char b[40]; sprintf(b, WIFSTOPPED(s) ? "stopped %d" : WIFCONTINUED(s) ? "continued" : WIFSIGNALED(s) ? "killed %d" : "exit %d", WIFSTOPPED(s) ? WSTOPSIG(s) : WIFSIGNALED(s) ? WTERMSIG(s) : WEXITSTATUS(s)); return b; }
int main(void) {
    int m, out = dup(1); struct winsize w = {24, 80}; pid_t leader = forkpty(&m, NULL, NULL, &w);
    if (leader == 0) {
        FILE *o = fdopen(out, "w"); setvbuf(o, NULL, _IONBF, 0);
        signal(SIGTTOU, SIG_IGN); struct sigaction a = {.sa_handler = winch}; sigaction(SIGWINCH, &a, NULL);
        fprintf(o, "%d %d\n", getsid(0) == getpid(), tcgetpgrp(0) == getpgrp());
        pid_t c = fork(); int s;
        if (c == 0) { setpgid(0, 0); signal(SIGTTIN, SIG_DFL); char b; read(0, &b, 1); _exit(b); }
        setpgid(c, c); waitpid(c, &s, WUNTRACED); fprintf(o, "%s\n", how(s)); // It read in the background.
        tcsetpgrp(0, c); write(out, "", 0); kill(-c, SIGCONT); waitpid(c, &s, WCONTINUED); fprintf(o, "%s\n", how(s));
        write(1, "ready\n", 6); waitpid(c, &s, 0); fprintf(o, "%s\n", how(s)); tcsetpgrp(0, getpgrp());
        if ((c = fork()) == 0) { setpgid(0, 0); raise(SIGSTOP); _exit(7); }
        waitpid(c, &s, WUNTRACED); fprintf(o, "%s\n", how(s)); siginfo_t i; kill(c, SIGCONT); waitid(P_PID, c, &i, WCONTINUED | WEXITED | WNOWAIT); fprintf(o, "%d %d\n", i.si_code == CLD_CONTINUED || i.si_code == CLD_EXITED, i.si_signo == SIGCHLD); waitpid(c, &s, 0); fprintf(o, "%s\n", how(s));
        if ((c = fork()) == 0) { signal(SIGINT, SIG_DFL); setpgid(0, 0); tcsetpgrp(0, getpgrp()); write(1, "ready\n", 6); for (;;) pause(); }
        waitpid(c, &s, 0); fprintf(o, "%s\n", how(s)); tcsetpgrp(0, getpgrp()); // Control-C of the terminal.
        struct winsize now; ioctl(0, TIOCGWINSZ, &now); now.ws_col = 132; ioctl(0, TIOCSWINSZ, &now); fprintf(o, "%d %d\n", now.ws_row, resized); struct termios t; tcgetattr(0, &t); cfmakeraw(&t); tcsetattr(0, TCSANOW, &t); fprintf(o, "%d\n", (t.c_lflag & ECHO) != 0); char b[10]; write(1, "raw\n", 4); fprintf(o, "%zd", read(0, b, 4)); fprintf(o, " %d %s\n", b[0], ttyname(0) != NULL ? "named" : ""); _exit(9);
    }
    char b[200], all[4000] = ""; ssize_t n; int stage = 0;
    while ((n = read(m, b, 199)) > 0) { b[n] = 0; strcat(all, b); if (stage == 0 && strstr(all, "ready")) { stage++; write(m, "A\n", 2); *all = 0; } else if (stage == 1 && strstr(all, "ready")) { stage++; write(m, "\003", 1); *all = 0; } else if (stage == 2 && strstr(all, "raw")) { stage++; write(m, "\003abc", 4); } }
    int s; waitpid(leader, &s, 0); puts(how(s)); return 0;
}
