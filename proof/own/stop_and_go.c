// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    pid_t child = fork();
    if (child == 0) { raise(SIGSTOP); _exit(4); }
    int status;
    waitpid(child, &status, WUNTRACED); printf("%d %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    kill(child, SIGCONT);
    waitpid(child, &status, 0); printf("%d %d\n", WIFEXITED(status), WEXITSTATUS(status));
    child = fork();
    if (child == 0) for (;;) pause();
    kill(child, SIGKILL);
    siginfo_t info; waitid(P_PID, child, &info, WEXITED); printf("%d %d\n", info.si_code == CLD_KILLED, info.si_status);
    return 0;
}
