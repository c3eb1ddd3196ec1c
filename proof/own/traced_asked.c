// SPDX-License-Identifier: Apache-2.0
// The usual question for a debugger; and then much stack and memory, for the first time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
static int deep(int n) { volatile char b[50000]; memset((void *)b, n, sizeof b); return n ? deep(n - 1) + b[7] : 0; }
int main(void) {
    printf("%ld ", ptrace(PTRACE_TRACEME, 0, 0, 0)); printf("%ld\n", ptrace(PTRACE_TRACEME, 0, 0, 0));
    printf("%d\n", deep(60)); char *p = malloc(1 << 24); memset(p, 1, 1 << 24); printf("%d\n", p[5]); return 0;
}
