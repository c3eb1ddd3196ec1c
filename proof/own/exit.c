// SPDX-License-Identifier: Apache-2.0
// quick: yes
#include <stdio.h>
#include <stdlib.h>
static void last(void) { puts("last"); }
int main(void) { atexit(last); printf("hello\n"); return 3; }
