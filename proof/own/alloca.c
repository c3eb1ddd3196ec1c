// SPDX-License-Identifier: Apache-2.0
// quick: yes
#include <alloca.h>
#include <stdio.h>
#include <string.h>
static int fill(int size) { char *at = alloca(size); memset(at, size, size); char more[size]; memcpy(more, at, size); return more[size - 1]; }
int main(void) { int sum = 0; for (int i = 1; i < 3000; i += 7) sum += fill(i); printf("%d\n", sum); return 0; }
