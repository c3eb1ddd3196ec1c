// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
int main(void) { puts("before"); fflush(stdout); return *(volatile int *)0; }
