// SPDX-License-Identifier: Apache-2.0
// quick: yes
#include <stdio.h>
#include <string.h>
extern char **environ;
int main(void) { int n = 0; for (char **e = environ; *e; e++) { n++; if (strstr(*e, "LD_") == *e || strstr(*e, "VALGRIND") || strstr(*e, "GLIBC")) puts(*e); } printf("%d\n", n); return 0; }
